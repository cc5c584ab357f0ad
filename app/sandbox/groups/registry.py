"""All groups of the network, and every change to them, of which the members' devices are told.

Source of the stanzas: whatsmeow, group.go (parseGroupNode, parseGroupChange, parseGroupCreate).
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from app.sandbox.clock import stamp
from app.sandbox.groups.group import ADMIN, MEMBER, Group
from app.sandbox.wire.jid import GROUP_SERVER, JID
from app.sandbox.wire.node import Node, Value
from app.sandbox.world import Account, Endpoint

if TYPE_CHECKING:
    from app.sandbox.network import Network

DOCUMENT = "group:"


class GroupError(Exception):
    """A change that WhatsApp would refuse: its code, and a sentence."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Groups:
    """The groups by the user part of their address."""

    def __init__(self, network: Network) -> None:
        self._network = network
        stored = network.storage.documents()
        loaded = [Group.load(body) for name, body in stored.items() if name.startswith(DOCUMENT)]
        self._groups = {group.id: group for group in loaded}

    def find(self, jid: JID) -> Group | None:
        """Return the group at an address, or None."""
        return self._groups.get(jid.user) if jid.server == GROUP_SERVER else None

    def by_invite(self, code: str) -> Group:
        """Return the group of an invite link's code; raises GroupError."""
        for group in self._groups.values():
            if secrets.compare_digest(group.invite, code):
                return group
        raise GroupError(404, "item-not-found")

    def of(self, account: Account) -> list[Group]:
        """Return the groups that `account` is in."""
        return [group for group in self._groups.values() if account.number in group.roles]

    def all(self) -> list[Group]:
        """Return every group."""
        return list(self._groups.values())

    def members(self, group: Group) -> list[Account]:
        """Return the members' accounts."""
        return [self._network.account(number) for number in group.roles]

    def create(self, actor: Endpoint, subject: str, members: list[Account]) -> Group:
        """Return a new group; everybody in it is told."""
        group = Group.new(actor.account.number, subject, [one.number for one in members])
        self._groups[group.id] = group
        self._save(group)
        self._log(group, actor.account, "create", [])
        for member in self.members(group):
            self._tell(group, actor, member, self._created(group))
        return group

    def add(
        self, group: Group, actor: Endpoint, accounts: list[Account], *, reason: str = ""
    ) -> None:
        """Add members; those who are new are told of the whole group."""
        new = [one for one in accounts if one.number not in group.roles]
        before = self.members(group)
        group.roles.update((one.number, MEMBER) for one in new)
        self._changed(group, actor, "add", new, before, {"reason": reason} if reason else {})
        for member in new:
            self._tell(group, actor, member, self._created(group))

    def remove(self, group: Group, actor: Endpoint, accounts: list[Account]) -> None:
        """Remove members, or let them leave; they are told too. Nobody's keys go on being used."""
        gone = [one for one in accounts if one.number in group.roles]
        before = self.members(group)
        for one in gone:
            del group.roles[one.number]
        for member in before:
            self._network.phones[member.number].sender_keys.begin_anew(str(group.jid))
        self._changed(group, actor, "remove", gone, before)

    def promote(self, group: Group, actor: Endpoint, accounts: list[Account]) -> None:
        """Make members admins."""
        group.roles.update((one.number, ADMIN) for one in accounts)
        self._changed(group, actor, "promote", accounts, self.members(group))

    def demote(self, group: Group, actor: Endpoint, accounts: list[Account]) -> None:
        """Make admins members."""
        group.roles.update((one.number, MEMBER) for one in accounts)
        self._changed(group, actor, "demote", accounts, self.members(group))

    def rename(self, group: Group, actor: Endpoint, subject: str) -> None:
        """Give the group another name."""
        group.subject = subject
        now = int(time.time())
        said = Node("subject", {"subject": subject, "s_t": now, "s_o": actor.account.lid})
        self._announce(group, actor, said)
        self._log(group, actor.account, "subject", [])

    def announce(self, group: Group, actor: Endpoint, only_admins: bool) -> None:
        """Let only admins write, or everybody."""
        group.announce = only_admins
        tag = "announcement" if only_admins else "not_announcement"
        self._announce(group, actor, Node(tag, {"v_id": stamp()["id"]}))
        self._log(group, actor.account, tag, [])

    def reset_invite(self, group: Group) -> None:
        """Let the group's old invite link open nothing."""
        group.invite = secrets.token_urlsafe(16)
        self._save(group)

    def describe(self, group: Group) -> Node:
        """Return the <group> that tells everything about it."""
        creator = self._network.account(group.creator)
        attrs: dict[str, Value] = {
            "id": group.id,
            "subject": group.subject,
            "s_t": group.created_at,
            "s_o": creator.lid,
            "creation": group.created_at,
            "creator": creator.lid,
            "creator_pn": creator.jid,
            "addressing_mode": "lid",
            "size": len(group.roles),
        }
        content = [self._participant(one, group) for one in self.members(group)]
        if group.announce:
            content.append(Node("announcement"))
        return Node("group", attrs, content)

    def _participant(self, account: Account, group: Group) -> Node:
        attrs: dict[str, Value] = {"jid": account.lid, "phone_number": account.jid}
        if role := group.roles.get(account.number, MEMBER):
            attrs["type"] = role
        return Node("participant", attrs)

    def _created(self, group: Group) -> Node:
        return Node("create", {"type": "new"}, [self.describe(group)])

    def _changed(
        self,
        group: Group,
        actor: Endpoint,
        change: str,
        accounts: list[Account],
        told: list[Account],
        attrs: dict[str, Value] | None = None,
    ) -> None:
        if not accounts:
            return
        people = [self._participant(one, group) for one in accounts]
        self._announce(group, actor, Node(change, attrs or {}, people), told)
        self._log(group, actor.account, change, accounts)

    def _announce(
        self, group: Group, actor: Endpoint, change: Node, told: list[Account] | None = None
    ) -> None:
        for member in told if told is not None else self.members(group):
            self._tell(group, actor, member, change)
        self._save(group)

    def _tell(self, group: Group, actor: Endpoint, member: Account, change: Node) -> None:
        """All linked devices of a member, but the one that did it: that one has the answer."""
        for device in member.companions:
            to = Endpoint(member, device)
            if to == actor:
                continue
            attrs: dict[str, Value] = {
                "type": "w:gp2",
                "from": group.jid,
                "participant": actor.account.lid,
                "participant_pn": actor.account.jid,
                "notify": actor.account.name,
                **stamp(),
            }
            self._network.deliver(to, Node("notification", attrs, [change]))

    def _log(self, group: Group, actor: Account, change: str, people: list[Account]) -> None:
        self._network.journal.append(
            "group",
            actor.number,
            group=str(group.jid),
            change=change,
            subject=group.subject,
            people=[one.number for one in people],
        )

    def _save(self, group: Group) -> None:
        self._network.storage.mark(f"{DOCUMENT}{group.id}", group.dump)
