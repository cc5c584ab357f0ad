"""Where media goes (namespace "w:m")."""

from __future__ import annotations

from app.sandbox.connection import Connection
from app.sandbox.media.host import HOST
from app.sandbox.queries.base import UnhandledQuery, describe
from app.sandbox.wire.node import Node, Value

_LIFETIME = 3600  # seconds


def connection(connection: Connection, node: Node) -> list[Node]:
    """Tell the media host and what to show there."""
    if node.find("media_conn") is None:
        raise UnhandledQuery(describe(node))
    owner = connection.owner
    attrs: dict[str, Value] = {
        "auth": connection.network.tickets.auth(owner.account.number, owner.device),
        "ttl": _LIFETIME,
        "auth_ttl": _LIFETIME,
        "max_buckets": 12,
    }
    return [Node("media_conn", attrs, [Node("host", {"hostname": HOST})])]
