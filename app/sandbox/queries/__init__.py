"""Queries of the client, one module per namespace.

A handler takes the connection and the query and returns the children of the result. It raises
QueryError for an error the client should see, UnhandledQuery for a form it does not know.
"""

from __future__ import annotations

from collections.abc import Callable

from app.sandbox.connection import Connection
from app.sandbox.queries import (
    appstate,
    encrypt,
    groups,
    md,
    media,
    passive,
    privacy,
    profile,
    usync,
)
from app.sandbox.queries.base import Handler, QueryError, UnhandledQuery, describe, nothing
from app.sandbox.wire.node import Node

__all__ = ["QueryError", "UnhandledQuery", "afterwards", "handler_of"]

_HANDLERS: dict[str, Handler] = {
    "blocklist": profile.blocklist,
    "disappearing_mode": nothing,
    "encrypt": encrypt.answer,
    "md": md.answer,
    "passive": nothing,
    "privacy": privacy.answer,
    "status": nothing,
    "urn:xmpp:whatsapp:dirty": nothing,
    "urn:xmpp:whatsapp:push": nothing,
    "usync": usync.answer,
    "w:g2": groups.answer,
    "w:m": media.connection,
    "w:p": nothing,
    "w:profile:picture": profile.picture,
    "w:sync:app:state": appstate.answer,
}
# What must happen once the answer has been sent.
_AFTERWARDS: dict[str, Callable[[Connection, Node], None]] = {
    "md": md.after,
    "passive": passive.after,
}


def handler_of(node: Node) -> Handler:
    """Return the handler of a query's namespace; raises UnhandledQuery."""
    handler = _HANDLERS.get(node.get("xmlns"))
    if handler is None:
        raise UnhandledQuery(describe(node))
    return handler


def afterwards(connection: Connection, node: Node) -> None:
    """Do what follows the answer to a query, if anything does."""
    after = _AFTERWARDS.get(node.get("xmlns"))
    if after:
        after(connection, node)
