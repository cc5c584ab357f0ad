"""Commands for the person who runs the product: `flask --app wsgi COMMAND`."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Adds the commands to `app`."""
