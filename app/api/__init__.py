"""The JSON API."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Adds the API to `app`."""
