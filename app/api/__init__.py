"""The JSON API."""

from __future__ import annotations

from flask import Flask


def register(app: Flask) -> None:
    """Adds the API to `app`."""
    from app.api import (
        accounts,
        activity,
        amendments,
        batches,
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
        documentation,
        events,
        groups,
        identity,
        instances,
        invitations,
        keys,
        linking,
        manners,
        media,
        messages,
        notices,
        openapi,
        people,
        queue,
        statistics,
        top_chats,
        users,
        webhooks,
    )
    from app.api.blueprint import bp

    # Importing these put their views on the blueprint.
    _ = (accounts, activity, amendments, credentials, groups, identity, instances, invitations)
    _ = (contact_imports, contacts, deliveries, events, linking, media, messages)
    _ = (notices, queue, statistics)
    _ = (blocking, call_counting, chat_acts, chats, contact_merging, contact_tasks)
    _ = (batches, documentation, keys, people, top_chats, users, webhooks)

    openapi.configure(app)
    manners.register(app)
    app.register_blueprint(bp)
