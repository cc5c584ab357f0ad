"""Pages and HTML fragments."""

from __future__ import annotations

from importlib import import_module

from flask import Flask

_WITH_VIEWS = (
    *("amending", "attachments", "blocking", "chat", "chat_manners", "chat_states"),
    *("components", "contact_acts", "contact_erasure", "contact_export", "contact_files"),
    *("contact_merging", "contact_selection", "contact_tasks", "contacts", "deletion", "details"),
    *("faces", "forwarding", "groups", "instances", "journal", "keys", "language", "links"),
    "listing",
    *("media", "message_info", "notices", "profile", "queue", "saying", "sending", "sign_in"),
    *("statistics", "system", "users", "voting", "webhook_log", "webhooks"),
)
"""Importing these puts their views on the blueprint."""


def register(app: Flask) -> None:
    """Adds the pages to `app`; those of the test network only where there is one."""
    from app.ui import assets, faces, files, notices, presenting, theme
    from app.ui.blueprint import bp

    for room in _WITH_VIEWS:
        import_module(f"app.ui.{room}")
    for others in (assets, faces, files, notices, presenting, theme):
        others.register(app)
    app.register_blueprint(bp)
    if app.config["SETTINGS"].sandbox:
        from app.ui import test_phone

        app.register_blueprint(test_phone.bp)
