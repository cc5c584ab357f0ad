"""People whom the engine knows of: the phone's address book, and who told a name in passing.

The engine has them in its key store, one entry for each form of an address: by number with the
name of the address book, by LID often with the push name alone. They are read from there. The
engine's own call for them ends the whole process when the session is closed at that moment, asks
for every LID one by one, and knows no more (whatsmeow, sqlstore: every change is written at once).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from app.engine import keystore
from app.engine.base import Person

PHONE_SERVER, LID_SERVER = "s.whatsapp.net", "lid"


def known_people(store: str, jid: str) -> list[Person]:
    """Returns whom the account `jid` knows, everybody once. Raises KeyStoreUnreadable."""
    return merged(filter(None, map(_person, keystore.contacts(store, jid))))


def merged(entries: Iterable[Person]) -> list[Person]:
    """Returns `entries` with those of one person put together."""
    people: dict[str, Person] = {}
    numbers: dict[str, str] = {}  # by LID: the key of who has it
    for entry in sorted(entries, key=lambda one: one.phone is None):
        key = entry.phone or numbers.get(entry.lid or "") or f"lid {entry.lid}"
        known = people.get(key)
        people[key] = _together(known, entry) if known else entry
        if entry.lid:
            numbers.setdefault(entry.lid, key)
    return list(people.values())


def _together(one: Person, other: Person) -> Person:
    return replace(
        one,
        lid=one.lid or other.lid,
        book_name=one.book_name or other.book_name,
        push_name=one.push_name or other.push_name,
        business_name=one.business_name or other.business_name,
    )


def _person(row: Sequence[Any]) -> Person | None:
    """The person of a row of keystore.contacts; None for groups, channels and the like."""
    jid, full, first, push, business, lid, phone = row
    user, _, server = str(jid).partition("@")
    user = user.partition(":")[0]
    if not user.isascii() or not user.isdigit():
        return None
    if server == PHONE_SERVER:
        return Person(user, lid, full or first or "", push or "", business or "")
    if server == LID_SERVER:
        return Person(phone, user, full or first or "", push or "", business or "")
    return None
