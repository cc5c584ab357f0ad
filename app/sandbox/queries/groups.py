"""Groups: told about, made, changed, left (namespace "w:g2").

Source: whatsmeow, group.go.
"""

from __future__ import annotations

from collections.abc import Callable

from app.sandbox.connection import Connection
from app.sandbox.groups.group import Group
from app.sandbox.groups.registry import GroupError, Groups
from app.sandbox.queries.base import QueryError, UnhandledQuery, describe
from app.sandbox.wire.jid import GROUP_SERVER, JID
from app.sandbox.wire.node import Node, Value
from app.sandbox.world import Account, Endpoint

LONGEST_SUBJECT = 100


def answer(connection: Connection, node: Node) -> list[Node]:
    """Answer what is asked of one group, or of all; raises QueryError, UnhandledQuery."""
    if not node.children:
        raise UnhandledQuery(describe(node))
    wish = node.children[0]
    try:
        if node.jid("to").user:
            return _of_group(connection, node, wish)
        return _of_all(connection, node, wish)
    except GroupError as error:
        raise QueryError(error.code, error.text) from None


def _of_all(connection: Connection, node: Node, wish: Node) -> list[Node]:
    groups, actor = connection.network.groups, connection.owner
    if wish.tag == "participating":
        own = [groups.describe(group) for group in groups.of(actor.account)]
        return [Node("groups", {}, own)]
    if wish.tag == "create":
        subject = _subject(wish.get("subject"))
        group = groups.create(actor, subject, _people(connection, wish))
        return [groups.describe(group)]
    if wish.tag == "leave":
        left = [
            _leave(connection, JID(one.get("id").partition("@")[0], GROUP_SERVER))
            for one in wish.named("group")
        ]
        return [Node("leave", {}, left)]
    if wish.tag == "invite":
        group = groups.by_invite(wish.get("code"))
        if node.get("type") == "get":
            return [groups.describe(group)]
        groups.add(group, actor, [actor.account], reason="invite")
        return [Node("group", {"jid": group.jid})]
    raise UnhandledQuery(describe(node))


def _leave(connection: Connection, jid: JID) -> Node:
    group = _member_of(connection, jid)
    connection.network.groups.remove(group, connection.owner, [connection.owner.account])
    return Node("group", {"id": group.id})


def _of_group(connection: Connection, node: Node, wish: Node) -> list[Node]:
    group = _member_of(connection, node.jid("to"))
    if node.get("type") == "get":
        return _told(connection.network.groups, group, connection.owner, node, wish)
    if not group.may_change(connection.owner.account.number):
        raise QueryError(403, "forbidden")
    groups, actor = connection.network.groups, connection.owner
    if wish.tag in _CHANGES:
        people = _people(connection, wish)
        _CHANGES[wish.tag](groups, group, actor, people)
        return [Node(wish.tag, {}, [_changed(one, group) for one in people])]
    if wish.tag == "subject":
        groups.rename(group, actor, _subject(wish.data.decode()))
    elif wish.tag in ("announcement", "not_announcement"):
        groups.announce(group, actor, wish.tag == "announcement")
    elif wish.tag == "invite":
        groups.reset_invite(group)
        return [Node("invite", {"code": group.invite})]
    else:
        raise UnhandledQuery(describe(node))
    return []


def _told(groups: Groups, group: Group, actor: Endpoint, node: Node, wish: Node) -> list[Node]:
    if wish.tag == "query":
        return [groups.describe(group)]
    if wish.tag == "invite":
        if not group.may_change(actor.account.number):
            raise QueryError(401, "not-authorized")
        return [Node("invite", {"code": group.invite})]
    raise UnhandledQuery(describe(node))


def _member_of(connection: Connection, jid: JID) -> Group:
    group = connection.network.groups.find(jid)
    if group is None:
        raise QueryError(404, "item-not-found")
    if connection.owner.account.number not in group.roles:
        raise QueryError(403, "forbidden")
    return group


def _people(connection: Connection, wish: Node) -> list[Account]:
    """Those on the network; the others are passed over, as those who cannot be added are."""
    found = (connection.network.find(one.jid("jid")) for one in wish.named("participant"))
    return [account for account in found if account is not None]


def _changed(account: Account, group: Group) -> Node:
    attrs: dict[str, Value] = {"jid": account.lid, "phone_number": account.jid}
    if role := group.roles.get(account.number):
        attrs["type"] = role
    return Node("participant", attrs)


def _subject(text: str) -> str:
    if not 1 <= len(text) <= LONGEST_SUBJECT:
        raise QueryError(406, "not-acceptable")
    return text


_CHANGES: dict[str, Callable[[Groups, Group, Endpoint, list[Account]], None]] = {
    "add": Groups.add,
    "remove": Groups.remove,
    "promote": Groups.promote,
    "demote": Groups.demote,
}
