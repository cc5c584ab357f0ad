"""Pages and HTML fragments."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Adds the pages to `app`; those of the test network only where there is one."""
    from app.ui import (
        amending,
        assets,
        attachments,
        chat,
        components,
        deletion,
        details,
        files,
        instances,
        journal,
        language,
        links,
        listing,
        media,
        presenting,
        profile,
        queue,
        sending,
        sign_in,
        theme,
        users,
        webhook_log,
        webhooks,
    )
    from app.ui.blueprint import bp

    # Importing these put their views on the blueprint.
    _ = (chat, components, deletion, details, instances, journal, language)
    _ = (
        amending,
        attachments,
        links,
        listing,
        media,
        profile,
        queue,
        sending,
        sign_in,
        users,
        webhook_log,
        webhooks,
    )
    _load_contacts()
    for room in (assets, files, presenting, theme):
        room.register(app)
    app.register_blueprint(bp)
    if app.config["SETTINGS"].sandbox:
        from app.ui import test_phone

        app.register_blueprint(test_phone.bp)


def _load_contacts() -> None:
    from app.ui import (
        contact_acts,
        contact_erasure,
        contact_export,
        contact_files,
        contact_selection,
        contacts,
    )

    _ = (contact_acts, contact_erasure, contact_export, contact_files, contact_selection, contacts)
