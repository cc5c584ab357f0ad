"""Who is on WhatsApp, under which LID, with which devices (namespace "usync")."""

from __future__ import annotations

from app.sandbox.connection import Connection
from app.sandbox.devices import device_hash
from app.sandbox.wire.jid import JID, USER_SERVER
from app.sandbox.wire.node import Node
from app.sandbox.world import PHONE, Account


def answer(connection: Connection, node: Node) -> list[Node]:
    """Return each asked user with the parts the query names."""
    usync = node.child("usync")
    parts = [part.tag for part in usync.child("query").children]
    users = [_user(connection, user, parts) for user in usync.child("list").named("user")]
    return [Node("usync", dict(usync.attrs), [Node("list", {}, users)])]


def _user(connection: Connection, user: Node, parts: list[str]) -> Node:
    contact = user.find("contact")
    if contact is not None:
        return _contact(connection, contact.data)
    asked = user.jid("jid")
    account = connection.network.find(asked)
    if account is None:
        return Node("user", {"jid": asked})
    content = []
    if "devices" in parts:
        content.append(_devices(account, asked))
    if "lid" in parts:
        content.append(Node("lid", {"val": account.lid}))
    return Node("user", {"jid": asked}, content)


def _contact(connection: Connection, query: bytes) -> Node:
    """A number typed by a person: "+15551000002@c.us" or without the plus."""
    number = query.decode().partition("@")[0].lstrip("+")
    account = connection.network.accounts.get(number)
    if account is None:
        contact = Node("contact", {"type": "out"}, query)
        return Node("user", {"jid": JID(number, USER_SERVER)}, [contact])
    contact = Node("contact", {"type": "in"}, query)
    return Node("user", {"jid": account.lid, "pn_jid": account.jid}, [contact])


def _devices(account: Account, asked: JID) -> Node:
    """The list is cached under the address that was asked with, so the hash is of that form."""
    devices = []
    for number in account.devices:
        attrs: dict[str, str | int | JID] = {"id": number}
        if number != PHONE:
            attrs["key-index"] = account.companions[number].key_index
        devices.append(Node("device", attrs))
    hashed = device_hash(asked.on_device(number) for number in account.devices)
    return Node("devices", {}, [Node("device-list", {"hash": hashed}, devices)])
