"""Who may do what from where: browser sessions, forged requests, headers, sign-in limits."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app.config import Settings
from app.security import browser_sessions, headers, limits, uploads
from app.security.browser_sessions import protect_cookie_request
from app.security.limits import limit_sign_in
from app.security.redirects import safe_next

__all__ = ["limit_sign_in", "protect_cookie_request", "register", "safe_next"]


def register(app: Flask) -> None:
    """Binds all of it to `app`."""
    settings: Settings = app.config["SETTINGS"]
    if hops := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    browser_sessions.register(app)
    uploads.register(app)
    limits.register(app, settings)
    headers.register(app)
