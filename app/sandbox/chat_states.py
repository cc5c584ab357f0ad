"""Who types: passed on at once, and never kept.

That WhatsApp tells only devices that are shown as online, and of a person only those that follow
them, is from whatsmeow (presence.go), not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.sandbox.groups.group import Group
from app.sandbox.wire.node import Node, Value
from app.sandbox.world import Account, Endpoint

if TYPE_CHECKING:
    from app.sandbox.network import Network

COMPOSING, RECORDING, PAUSED = STATES = ("composing", "recording", "paused")


def state_of(node: Node) -> str:
    """What a <chatstate/> says."""
    composing = node.find("composing")
    if composing is None:
        return PAUSED
    return RECORDING if composing.get("media") == "audio" else COMPOSING


def spread(network: Network, who: Account, to: Account | Group, state: str) -> None:
    """Tell the other side what `who` does in the chat."""
    if isinstance(to, Group):
        attrs: dict[str, Value] = {"from": to.jid, "participant": who.lid}
        others = [one for one in network.groups.members(to) if one is not who]
    else:
        attrs, others = {"from": who.lid}, [to]
    facts = {"group": str(to.jid)} if isinstance(to, Group) else {}
    for other in others:
        network.journal.append("typing", other.number, state=state, **{"from": who.number, **facts})
        for device in other.companions:
            connection = network.connection(Endpoint(other, device))
            follows = connection and (isinstance(to, Group) or who.number in connection.following)
            if connection and connection.active and connection.available and follows:
                connection.send(Node("chatstate", attrs, [_content(state)]))


def _content(state: str) -> Node:
    if state == PAUSED:
        return Node("paused", {})
    return Node("composing", {"media": "audio"} if state == RECORDING else {})
