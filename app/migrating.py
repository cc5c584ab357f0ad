"""Brings the database to the newest shape; only processes that migrate load Alembic.

For developers: `flask --app app.migrating db ...`, or `make migration`.
"""

from __future__ import annotations

from flask import Flask
from flask_migrate import Migrate, upgrade

from app import create_app as _create_app
from app.extensions import db
from app.factory import ROOT


def create_app() -> Flask:
    """The application that the `flask db` commands work on."""
    return bind(_create_app(web=False))


def bind(app: Flask) -> Flask:
    """`app`, made known to Alembic; SQLite changes a table by rebuilding it (batch)."""
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    return app


def migrate(app: Flask) -> None:
    """Migrates the database of `app`; all of it, or, when something fails, nothing."""
    with bind(app).app_context():
        upgrade()
