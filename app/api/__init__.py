"""The JSON API."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Adds the API to `app`."""
    from app.api import (
        accounts,
        activity,
        amendments,
        blocking,
        call_counting,
        chat_acts,
        chats,
        contact_imports,
        contact_merging,
        contact_tasks,
        contacts,
        credentials,
        deliveries,
        events,
        groups,
        identity,
        instances,
        invitations,
        linking,
        media,
        messages,
        openapi,
        queue,
        statistics,
        top_chats,
        users,
        webhooks,
    )
    from app.api.blueprint import bp

    # Importing these put their views on the blueprint.
    _ = (accounts, activity, amendments, credentials, groups, identity, instances, invitations)
    _ = (contact_imports, contacts, deliveries, events, linking, media, messages, queue)
    _ = (blocking, call_counting, chat_acts, chats, contact_merging, contact_tasks)
    _ = (statistics, top_chats, users, webhooks)

    openapi.configure(app)
    app.register_blueprint(bp)
