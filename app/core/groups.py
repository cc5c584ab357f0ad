"""What groups know: the roles of their members, and what can be done with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MEMBER, ADMIN, OWNER = "member", "admin", "owner"
"""Roles; the owner is an admin whom nobody can remove."""


class MemberAct(StrEnum):
    """What an admin does with members (whatsmeow, group.go, ParticipantChange)."""

    ADD = "add"
    REMOVE = "remove"
    PROMOTE = "promote"
    DEMOTE = "demote"


class WishedAct(StrEnum):
    """What people can want done about a group."""

    CREATE = "create"
    RENAME = "rename"
    ADD = "add"
    REMOVE = "remove"
    PROMOTE = "promote"
    DEMOTE = "demote"
    LINK = "link"
    RENEW = "renew"
    LEAVE = "leave"
    BLOCK = "block"  # these two are about a person
    UNBLOCK = "unblock"


OF_PERSONS = frozenset({WishedAct.BLOCK, WishedAct.UNBLOCK})


class GroupNote(StrEnum):
    """What happened in a group, as it stands in the conversation: kinds of messages."""

    CREATED = "group_created"
    ADDED = "group_added"
    JOINED = "group_joined"
    REMOVED = "group_removed"
    LEFT = "group_left"
    PROMOTED = "group_promoted"
    DEMOTED = "group_demoted"
    RENAMED = "group_renamed"
    DESCRIBED = "group_described"
    ADMINS_WRITE = "group_admins_write"
    ALL_WRITE = "group_all_write"
    PICTURE_CHANGED = "group_picture_changed"
    PICTURE_REMOVED = "group_picture_removed"
    DELETED = "group_deleted"


NOTES = frozenset(note.value for note in GroupNote)


@dataclass(frozen=True, slots=True)
class GroupMember:
    """Somebody in a group; number or LID may be unknown, never both."""

    phone: str | None  # digits
    lid: str | None  # user part
    role: str  # MEMBER, ADMIN or OWNER
    refused: bool = False  # in an answer: WhatsApp did not do it for this one


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """A group that the account is in. `id`: the user part of its JID."""

    id: str
    name: str
    description: str
    only_admins_write: bool
    created_at: datetime | None
    members: tuple[GroupMember, ...]
