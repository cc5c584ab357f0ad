"""What the server tells devices about people: another picture, another list of the blocked.

Source of the stanzas: whatsmeow, notification.go (handlePictureNotification,
handleAccountSyncNotification, handleBlocklist).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.sandbox.clock import stamp
from app.sandbox.groups.group import Group
from app.sandbox.wire.jid import JID
from app.sandbox.wire.node import Node, Value
from app.sandbox.world import Account, Endpoint

if TYPE_CHECKING:
    from app.sandbox.network import Network


def picture_of_account(network: Network, account: Account, picture_id: str | None) -> None:
    """Tell everybody's linked devices that an account has another picture, or none any more."""
    change = _picture(account.jid, picture_id)
    for other in network.accounts.values():
        if other is account:
            _sync(network, account, Node("picture"))
        else:
            _notify(network, other, "picture", account.jid, change)


def picture_of_group(network: Network, group: Group, by: Account, picture_id: str | None) -> None:
    """Tell the members' linked devices that `by` gave the group another picture, or none."""
    change = _picture(group.jid, picture_id, author=by.lid)
    for member in network.groups.members(group):
        _notify(network, member, "picture", group.jid, change)


def blocklist(network: Network, account: Account, other: Account, author: Endpoint) -> None:
    """Tell the account's linked devices but `author` whom it has blocked or unblocked."""
    action = "block" if other.number in account.blocked else "unblock"
    item = Node("item", {"jid": other.lid, "action": action})
    attrs: dict[str, Value] = {"action": "modify", "dhash": str(len(account.blocked))}
    _sync(network, account, Node("blocklist", attrs, [item]), author)


def _picture(whose: JID, picture_id: str | None, **author: Value) -> Node:
    attrs: dict[str, Value] = {"jid": whose, **author}
    if picture_id is None:
        return Node("delete", attrs)
    return Node("set", {**attrs, "id": picture_id})


def _sync(network: Network, account: Account, body: Node, but: Endpoint | None = None) -> None:
    _notify(network, account, "account_sync", account.jid, body, but)


def _notify(
    network: Network,
    account: Account,
    kind: str,
    sender: JID,
    body: Node,
    but: Endpoint | None = None,
) -> None:
    for device in account.companions:
        to = Endpoint(account, device)
        if to != but:
            attrs: dict[str, Value] = {"type": kind, "from": sender, **stamp()}
            network.deliver(to, Node("notification", attrs, [body]))
