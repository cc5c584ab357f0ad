"""Contacts: those that WhatsApp knows of an account, and those kept here for an instance."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.naming import (
    SEARCH_LENGTH,
    SORT_LENGTH,
    person_name,
    search_text,
    sort_key,
)
from app.core.phones import lid_jid, phone_jid
from app.models.base import Base, Id

NAME_LENGTH = 100
# Compared byte by byte on both databases: keys of pages rest on it.
_FOLDED_ORDER = String(SORT_LENGTH).with_variant(String(SORT_LENGTH, collation="C"), "postgresql")


Address = tuple[str | None, str | None]
"""A number's digits and the user part of a LID; either may be unknown."""


class _Person:
    """A person: number and LID (either may be unknown), and what WhatsApp calls them."""

    id: Mapped[Id]
    phone: Mapped[str | None] = mapped_column(String(20))
    lid: Mapped[str | None] = mapped_column(String(20))  # user parts, without the server
    book_name: Mapped[str] = mapped_column(String(NAME_LENGTH), default="")
    """What the phone's address book calls them."""
    push_name: Mapped[str] = mapped_column(String(NAME_LENGTH), default="")
    """What they call themselves."""
    business_name: Mapped[str] = mapped_column(String(NAME_LENGTH), default="")
    """The name of a business account; empty for everybody else."""
    sort_key: Mapped[str] = mapped_column(_FOLDED_ORDER)
    search: Mapped[str] = mapped_column(String(SEARCH_LENGTH))
    created_at: Mapped[datetime]

    @property
    def names(self) -> tuple[str, ...]:
        """What the person is called, the best one first; some are empty."""
        return (self.book_name, self.push_name, self.business_name)

    @property
    def shown_name(self) -> str:
        """The name, by the rule of the house."""
        return person_name(*self.names, phone=self.phone, lid=self.lid)

    @property
    def words(self) -> list[str]:
        """What they are found by besides."""
        return []

    @property
    def other_names(self) -> list[str]:
        """What their other numbers are called, which finds them, too."""
        return []

    @property
    def jid(self) -> str:
        """The address: by number where known, else by LID."""
        return phone_jid(self.phone) if self.phone else lid_jid(self.lid or "")

    @property
    def addresses(self) -> list[Address]:
        """All numbers and LIDs they are known by, the main one first."""
        return [(self.phone, self.lid)]

    def index(self) -> None:
        """Brings up to date what lists go by. Call it whenever a name or a number changed."""
        best = next(filter(None, self.names), "")
        self.sort_key = sort_key(best, self.phone, self.lid)
        phones = [phone for phone, _ in self.addresses if phone]
        self.search = search_text(*self.names, *self.words, *self.other_names, phones=phones)


class WhatsAppContact(_Person, Base):
    """Somebody whom the WhatsApp of an account knows: a copy of what the engine has learned, so
    that it is there while the session is not. Written by the session's host alone."""

    __tablename__ = "whatsapp_contacts"
    __table_args__ = (
        UniqueConstraint("account_id", "phone"),
        UniqueConstraint("account_id", "lid"),
        Index("ix_whatsapp_contacts_newest", "account_id", "id", "search"),
        Index("ix_whatsapp_contacts_list", "account_id", "sort_key", "id", "search"),
    )

    account_id: Mapped[str] = mapped_column(ForeignKey("linked_accounts.id", ondelete="CASCADE"))


class Contact(_Person, Base):
    """Somebody who is kept here. Stays with the instance, whichever number is linked to it."""

    __tablename__ = "contacts"
    __table_args__ = (
        UniqueConstraint("instance_id", "phone"),
        UniqueConstraint("instance_id", "lid"),
        Index("ix_contacts_newest", "instance_id", "id", "search"),
        Index("ix_contacts_list", "instance_id", "sort_key", "id", "search"),
    )

    instance_id: Mapped[str] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH), default="")  # given by a person here
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    tags: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    updated_at: Mapped[datetime]
    file_import_id: Mapped[str | None] = mapped_column(String(40))
    """The last import of a file that had them: its first row of a number goes before later ones."""

    numbers: Mapped[list[ContactNumber]] = relationship(
        viewonly=True, lazy="selectin", order_by="ContactNumber.id"
    )
    """Those besides the main one: of contacts that were merged into this one."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the person is called: the name that was given here goes before all others."""
        return (self.name, *super().names)

    @property
    def words(self) -> list[str]:
        """The tags."""
        return self.tags or []

    @property
    def other_names(self) -> list[str]:
        """What WhatsApp calls their other numbers."""
        return [one.known_as for one in self.numbers]

    @property
    def addresses(self) -> list[Address]:
        """All numbers and LIDs they are known by, the main one first."""
        return [(self.phone, self.lid), *((one.phone, one.lid) for one in self.numbers)]

    @property
    def other_numbers(self) -> list[ContactNumber]:
        """Those of `numbers` by which they can be reached: some only remember a merged contact."""
        return [one for one in self.numbers if one.phone or one.lid]


class ContactNumber(Base):
    """What became of a contact that was merged into another one: its number and LID are further
    ones of that other, and its id still leads there. Has the id of the contact that was."""

    __tablename__ = "contact_numbers"
    __table_args__ = (
        UniqueConstraint("phone", "instance_id"),
        UniqueConstraint("lid", "instance_id"),
    )

    id: Mapped[Id]
    contact_id: Mapped[str] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), index=True
    )
    instance_id: Mapped[str] = mapped_column(
        ForeignKey("instances.id", ondelete="CASCADE"), index=True
    )
    phone: Mapped[str | None] = mapped_column(String(20))
    lid: Mapped[str | None] = mapped_column(String(20))
    known_as: Mapped[str] = mapped_column(String(NAME_LENGTH), default="", server_default="")
    """What WhatsApp calls this number."""
    merged_at: Mapped[datetime]

    @property
    def jid(self) -> str:
        """The address: by number where known, else by LID."""
        return phone_jid(self.phone) if self.phone else lid_jid(self.lid or "")
