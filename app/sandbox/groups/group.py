"""One group: its name, its members and what they may do."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from app.sandbox.wire.jid import GROUP_SERVER, JID

MEMBER, ADMIN, OWNER = "", "admin", "superadmin"
"""Roles, as WhatsApp's `type` of a participant."""


@dataclass(slots=True, eq=False)
class Group:
    """A group. `roles` has every member's role by phone number, in the order they came."""

    id: str
    subject: str
    creator: str
    created_at: int
    roles: dict[str, str]
    invite: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    announce: bool = False
    description: str = ""

    @classmethod
    def new(cls, creator: str, subject: str, members: list[str]) -> Group:
        """Return a group that `creator` has just made."""
        now = int(time.time())
        number = f"120363{secrets.randbelow(10**12):012d}"
        roles = {creator: OWNER} | {member: MEMBER for member in members if member != creator}
        return cls(number, subject, creator, now, roles)

    @property
    def jid(self) -> JID:
        """The address of the group."""
        return JID(self.id, GROUP_SERVER)

    def may_change(self, number: str) -> bool:
        """Whether this member is an admin."""
        return self.roles.get(number, MEMBER) != MEMBER

    def may_write(self, number: str) -> bool:
        """Whether this number may write here."""
        return number in self.roles and (not self.announce or self.may_change(number))

    def dump(self) -> dict[str, Any]:
        """Return the group, JSON-able."""
        return {
            "id": self.id,
            "subject": self.subject,
            "creator": self.creator,
            "created_at": self.created_at,
            "roles": dict(self.roles),
            "invite": self.invite,
            "announce": self.announce,
            "description": self.description,
        }

    @classmethod
    def load(cls, data: dict[str, Any]) -> Group:
        """Return the group that `dump` described."""
        return cls(**data)
