"""Conversations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.clock import utcnow
from app.core.chat_settings import ALWAYS
from app.core.groups import ADMIN, OWNER
from app.core.phones import show_phone
from app.models.base import Base, Id
from app.models.profile_picture import ProfilePicture

__all__ = ["ALWAYS", "GROUP", "PERSON", "Chat"]

PERSON, GROUP = "person", "group"
_PLACE = "account_id", "last_at", "id"


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class Chat(Base):
    """A conversation of one account. A person is one chat, whether WhatsApp names them by number
    or by LID: both are kept, either may be unknown yet."""

    __tablename__ = "chats"
    __table_args__ = (
        UniqueConstraint("account_id", "lid"),
        UniqueConstraint("account_id", "phone"),
        UniqueConstraint("account_id", "group_id"),
        Index("ix_chats_account_last", "account_id", "last_at", "id"),
        Index("ix_chats_account_changed", "account_id", "changed_at", "id"),
        _partial("ix_chats_pinned", *_PLACE, where="pinned_at IS NOT NULL"),
        _partial("ix_chats_listed", *_PLACE, where="archived_at IS NULL AND pinned_at IS NULL"),
        _partial("ix_chats_archived", *_PLACE, where="archived_at IS NOT NULL"),
        _partial("ix_chats_waiting", *_PLACE, where="unread > 0 OR marked_unread"),
        _partial(
            *("ix_chats_unread", "account_id", "unread", "muted_until"),
            where="unread > 0 AND archived_at IS NULL",
        ),
        Index(
            *("ix_chats_muted", "muted_until"),
            sqlite_where=text("muted_until IS NOT NULL"),
            postgresql_where=text("muted_until IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    instance_id: Mapped[str] = mapped_column(
        ForeignKey("instances.id", ondelete="CASCADE"), index=True
    )
    account_id: Mapped[str] = mapped_column(ForeignKey("linked_accounts.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10), default=PERSON)
    lid: Mapped[str | None] = mapped_column(String(20))  # user parts, without the server
    phone: Mapped[str | None] = mapped_column(String(20))
    group_id: Mapped[str | None] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(100), default="")  # what the person calls themselves
    known_as: Mapped[str] = mapped_column(String(100), default="", server_default="")
    """What the contacts call the person, kept here by services/naming."""
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Of a group, as the fields up to group_known_at."""
    only_admins_write: Mapped[bool] = mapped_column(default=False, server_default=false())
    our_role: Mapped[str | None] = mapped_column(String(10))
    """One of core.groups; None where the account is not in the group, or that is not known yet."""
    group_known_at: Mapped[datetime | None]
    """When WhatsApp told about the group last; None before the first time."""
    last_at: Mapped[datetime]
    last_kind: Mapped[str | None] = mapped_column(String(60))
    """The kind of the newest message; None while there is none."""
    last_text: Mapped[str] = mapped_column(String(200), default="")
    """Its text or caption, of a document without one its name; empty where it has neither."""
    unread: Mapped[int] = mapped_column(default=0)
    waiting_since: Mapped[datetime | None]
    """In a chat of two: when the other wrote what nobody has answered yet."""
    marked_unread: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Somebody wants to come back to it, whatever is unread."""
    archived_at: Mapped[datetime | None]
    """A chat in the archive is not pinned."""
    pinned_at: Mapped[datetime | None]
    muted_until: Mapped[datetime | None]
    phone_trouble: Mapped[str | None] = mapped_column(String(60))
    """Why the phone does not know how the chat is kept here, a slug; kept by services/chat_wishes.
    None: it knows, or is told soon."""
    created_at: Mapped[datetime]
    blocked_at: Mapped[datetime | None]
    """Since when the person is blocked, as far as is known here."""
    changed_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)
    picture: Mapped[ProfilePicture | None] = relationship(
        foreign_keys=ProfilePicture.chat_id, viewonly=True
    )

    @property
    def shown_name(self) -> str:
        """What to call the chat, by the rule of the house."""
        return self.known_as or self.name or show_phone(self.phone) or self.jid

    @property
    def is_group(self) -> bool:
        """Whether several people talk here."""
        return self.kind == GROUP

    @property
    def is_muted(self) -> bool:
        """Whether what arrives here is not to draw attention now."""
        return self.muted_until is not None and self.muted_until > utcnow()

    @property
    def may_write(self) -> bool:
        """Whether what is written here would go out, as far as is known."""
        if not self.is_group or self.group_known_at is None:
            return self.blocked_at is None
        return self.our_role is not None and (
            not self.only_admins_write or self.our_role in (ADMIN, OWNER)
        )

    @property
    def jid(self) -> str:
        """The address shown outside: by number where known, else by LID."""
        if self.group_id:
            return f"{self.group_id}@g.us"
        return f"{self.phone}@s.whatsapp.net" if self.phone else f"{self.lid}@lid"
