"""Groups in neonize's terms and ours (its GroupInfo and GroupParticipant; whatsmeow, group.go)."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Protocol

from app.core.groups import ADMIN, MEMBER, OWNER, GroupFacts, GroupMember, MemberAct
from app.engine import library


class Live(Protocol):
    """Gives the client of an open session; `reads_store` for calls that must find it there."""

    def __call__(self, *, reads_store: bool = False) -> AbstractContextManager[Any]: ...


class NeonizeGroups:
    """The groups of one session. See `app.engine.base.GroupCalls`."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def all(self) -> list[GroupFacts]:
        """Returns all groups that the account is in. Raises EngineError."""
        with self._live(reads_store=True) as client:
            return [facts_of(info) for info in client.get_joined_groups()]

    def one(self, group: str) -> GroupFacts:
        """Returns one group. Raises EngineError."""
        with self._live(reads_store=True) as client:
            return facts_of(client.get_group_info(library.jid_of(group)))

    def create(self, name: str, people: Sequence[str]) -> GroupFacts:
        """Makes a group. Raises EngineError."""
        with self._live(reads_store=True) as client:
            return facts_of(client.create_group(name, [library.jid_of(one) for one in people]))

    def change(self, group: str, act: MemberAct, people: Sequence[str]) -> list[GroupMember]:
        """Does something with members. Raises EngineError."""
        jids = [library.jid_of(one) for one in people]
        with self._live(reads_store=True) as client:
            done = client.update_group_participants(library.jid_of(group), jids, _engine_act(act))
        return [member for member in map(member_of, done) if member is not None]

    def rename(self, group: str, name: str) -> None:
        """Gives the group another name. Raises EngineError."""
        with self._live() as client:
            client.set_group_name(library.jid_of(group), name)

    def link(self, group: str, *, renew: bool = False) -> str:
        """Returns the group's invite link. Raises EngineError."""
        with self._live() as client:
            return str(client.get_group_invite_link(library.jid_of(group), renew))

    def leave(self, group: str) -> None:
        """Leaves the group. Raises EngineError."""
        with self._live() as client:
            client.leave_group(library.jid_of(group))


def facts_of(info: Any) -> GroupFacts:
    """Returns a GroupInfo in our terms."""
    created = int(info.GroupCreated)  # seconds, rounded to two minutes: it comes as a 32-bit float
    return GroupFacts(
        id=str(info.JID.User),
        name=_plain(info.GroupName.Name),
        description=_plain(info.GroupTopic.Topic),
        only_admins_write=bool(info.GroupAnnounce.IsAnnounce),
        created_at=datetime.fromtimestamp(created, UTC) if created > 0 else None,
        members=tuple(filter(None, map(member_of, info.Participants))),
    )


def member_of(participant: Any) -> GroupMember | None:
    """Returns a GroupParticipant in our terms; None for one whom nothing names."""
    jids = participant.JID, participant.LID, participant.PhoneNumber
    lid = next((jid.User for jid in jids if jid.Server == "lid"), None)
    phone = next((jid.User for jid in jids if jid.Server == "s.whatsapp.net"), None)
    if not lid and not phone:
        return None
    role = OWNER if participant.IsSuperAdmin else ADMIN if participant.IsAdmin else MEMBER
    return GroupMember(phone or None, lid or None, role, refused=participant.Error != 0)


def _engine_act(act: MemberAct) -> Any:
    """Returns neonize's name for what is done with members."""
    return importlib.import_module("neonize.utils.enum").ParticipantChange[act.name]


def _plain(text: str) -> str:
    """Without NUL characters, which PostgreSQL does not store."""
    return text.replace("\0", "").strip()
