"""Pictures of people and groups, and whom they have blocked."""

from __future__ import annotations

from app.sandbox import notices
from app.sandbox.connection import Connection
from app.sandbox.media import host
from app.sandbox.queries.base import QueryError
from app.sandbox.wire.jid import GROUP_SERVER
from app.sandbox.wire.node import Node, Value


def picture(connection: Connection, node: Node) -> list[Node]:
    """Where the picture of the target lies; WhatsApp's answer (whatsmeow, user.go)."""
    network, target = connection.network, node.find_jid("target")
    if target is None:
        raise QueryError(400, "bad-request")
    account = network.find(target)
    number = account.number if account else None
    user = target.user if target.server == GROUP_SERVER else number
    picture_id = network.faces.id_of(user) if user else None
    if user is None or picture_id is None:
        raise QueryError(404, "item-not-found")
    asked = node.find("picture")
    url = host.picture_url(network, user, picture_id)
    attrs: dict[str, Value] = {
        "id": picture_id,
        "type": asked.get("type", "image") if asked else "image",
    }
    attrs |= {"url": url, "direct_path": url.removeprefix(f"https://{host.PICTURES_HOST}")}
    network.journal.append("picture_asked", user)
    return [Node("picture", attrs)]


def blocklist(connection: Connection, node: Node) -> list[Node]:
    """Whom the account has blocked, after the change that is asked for, if one is."""
    network, account = connection.network, connection.owner.account
    item = node.find("item")
    if item is not None:
        other = network.find(item.jid("jid"))
        if other is None:
            raise QueryError(404, "item-not-found")
        change = account.blocked.add if item.get("action") == "block" else account.blocked.discard
        change(other.number)
        network.save_account(account)
        notices.blocklist(network, account, other, connection.owner)
    blocked = [network.account(number).lid for number in sorted(account.blocked)]
    items = [Node("item", {"jid": lid}) for lid in blocked]
    return [Node("list", {"dhash": str(len(blocked))}, items)]
