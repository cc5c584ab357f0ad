"""WhatsApp API Manager: one self-hosted place to run many WhatsApp accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config import Settings


def create_app(
    settings: Settings | None = None, *, web: bool = True, threaded: bool = False
) -> Flask:
    """An application bound to `settings`, or to those of the environment; for a process that
    answers no requests, `web=False` leaves out the pages and the API and half of the memory.
    `threaded` says that such a process works on the database in many threads.

    The imports stand inside, so that app.sandbox loads none of the product.
    """
    from app.factory import build

    return build(settings, web=web, threaded=threaded)
