"""Puts the application together; every process of the product starts here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask

from app import bell, connections, database
from app.config import Settings, load_settings
from app.extensions import csrf, db, login_manager
from app.models.encryption import use_encryption_keys
from app.transaction import again_when_beaten

ROOT = Path(__file__).resolve().parent.parent


def build(settings: Settings | None = None, *, web: bool = True, threaded: bool = False) -> Flask:
    """An application bound to `settings`, or to those of the environment; without `web` it has
    the database and Redis, but no pages and no API. See app.create_app."""
    settings = settings or load_settings()
    app = _web_application() if web else Flask("app")
    _configure(app, settings)
    few = connections.THREADED if threaded else connections.IN_TURNS
    _limit_connections(app, connections.of_web(settings) if web else few)
    _bind_extensions(app, settings)
    if web:
        _register_rooms(app)
    return app


def _web_application() -> Flask:
    from apiflask import APIFlask  # a third of a second and 20 MiB that workers do without

    return APIFlask(
        "app",
        title="WhatsApp API Manager",
        json_errors=False,
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
        docs_path=None,
        spec_path=None,
    )


def _configure(app: Flask, settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.effective_secret_key,
        SQLALCHEMY_DATABASE_URI=settings.sqlalchemy_url,
        MAX_CONTENT_LENGTH=settings.max_request_kb * 1024,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        WTF_CSRF_TIME_LIMIT=None,  # bound to the session, not to an hour
        WTF_CSRF_CHECK_DEFAULT=False,  # app/security.py decides: cookies need it, API keys do not
        BABEL_DEFAULT_LOCALE=settings.default_language,
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "translations"),
    )
    use_encryption_keys(settings.effective_encryption_keys)


def _limit_connections(app: Flask, most: int) -> None:
    """app.connections counts on this limit. A connection is tried before it is used:
    the server may have been started anew."""
    if app.config["SETTINGS"].uses_postgres:
        options = {"pool_size": most, "max_overflow": 0, "pool_pre_ping": True}
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options


def _bind_extensions(app: Flask, settings: Settings) -> None:
    db.init_app(app)
    login_manager.init_app(app, add_context_processor=False)  # see app/ui/presenting.py
    csrf.init_app(app)
    with app.app_context():
        database.prepare(db.engine)
    app.extensions["redis"] = bell.connect(settings.redis_location)


def _register_rooms(app: Flask) -> None:
    from app import api, cli, health, http_errors, i18n, meter, metrics, request_ids, security, ui

    rooms = (meter, metrics, request_ids, i18n, security, http_errors, health, ui, api, cli)
    for room in rooms:
        room.register(app)
    views: dict[str, Callable[..., Any]] = app.view_functions
    for name, view in views.items():
        views[name] = again_when_beaten(view)
