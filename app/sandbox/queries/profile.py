"""Pictures of people and groups, and whom they have blocked."""

from __future__ import annotations

from app.sandbox.connection import Connection
from app.sandbox.media import host
from app.sandbox.queries.base import QueryError
from app.sandbox.wire.jid import GROUP_SERVER
from app.sandbox.wire.node import Node


def picture(connection: Connection, node: Node) -> list[Node]:
    """Where the picture of the target lies; WhatsApp's answer (whatsmeow, user.go)."""
    network, target = connection.network, node.find_jid("target")
    if target is None:
        raise QueryError(400, "bad-request")
    account = network.find(target)
    user = target.user if target.server == GROUP_SERVER else account and account.number
    picture_id = network.faces.id_of(user) if user else None
    if user is None or picture_id is None:
        raise QueryError(404, "item-not-found")
    asked = node.find("picture")
    path = network.tickets.picture(f"{user}.{picture_id}")
    attrs = {"id": picture_id, "type": asked.get("type", "image") if asked else "image"}
    attrs |= {"url": f"https://{host.PICTURES_HOST}{path}", "direct_path": path}
    network.journal.append("picture_asked", user)
    return [Node("picture", attrs)]


def blocklist(connection: Connection, node: Node) -> list[Node]:
    """Nobody is blocked."""
    return [Node("list", {"dhash": "none"})]
