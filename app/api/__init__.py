"""The JSON API."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Adds the API to `app`."""
    from app.api import accounts, identity, instances, linking, messages, openapi  # noqa: F401
    from app.api.blueprint import bp

    openapi.configure(app)
    app.register_blueprint(bp)
