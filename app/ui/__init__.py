"""Pages and HTML fragments."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Adds the pages to `app`; those of the test network only where there is one."""
    from app.ui import chat, details, instances, language, presenting, profile, setup, sign_in
    from app.ui.blueprint import bp

    # Importing these put their views on the blueprint.
    _ = (chat, details, instances, language, profile, setup, sign_in)
    presenting.register(app)
    app.register_blueprint(bp)
    if app.config["SETTINGS"].sandbox:
        from app.ui import test_phone

        app.register_blueprint(test_phone.bp)
