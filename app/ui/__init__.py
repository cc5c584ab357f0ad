"""Pages and HTML fragments."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Adds the pages to `app`."""
