"""Contacts of a file that are not stored yet: as rows of the session they would cost more than all
the rest that is done for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter

from sqlalchemy import insert

from app.core.naming import person_name, search_text, sort_key
from app.extensions import db
from app.models import Contact
from app.models.contact import Address


@dataclass(slots=True)
class FreshContact:
    """The columns of a new contact's row."""

    id: str
    instance_id: str
    phone: str
    lid: str | None
    name: str
    note: str
    tags: list[str]
    created_at: datetime
    updated_at: datetime
    book_name: str = ""
    push_name: str = ""
    business_name: str = ""
    file_import_id: str | None = None
    sort_key: str = ""
    search: str = ""

    @property
    def names(self) -> tuple[str, str, str, str]:
        """As of a contact."""
        return (self.name, self.book_name, self.push_name, self.business_name)

    @property
    def shown_name(self) -> str:
        """As of a contact."""
        return person_name(*self.names, phone=self.phone, lid=self.lid)

    @property
    def addresses(self) -> list[Address]:
        """As of a contact."""
        return [(self.phone, self.lid)]

    def index(self) -> None:
        """As of a contact; one that is new has one number."""
        self.sort_key = sort_key(next(filter(None, self.names), ""), self.phone, self.lid)
        self.search = search_text(*self.names, *self.tags, phones=[self.phone])


_COLUMNS = [one.name for one in fields(FreshContact)]
_VALUES = attrgetter(*_COLUMNS)


def store(contacts: Iterable[FreshContact]) -> None:
    """Inserts them in one statement."""
    rows = [dict(zip(_COLUMNS, _VALUES(one), strict=True)) for one in contacts]
    if rows:
        db.session.execute(insert(Contact.__table__), rows)  # type: ignore[arg-type]
