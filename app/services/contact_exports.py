"""Contacts as files: CSV for spreadsheets, vCard for phones and address books.

Given out piece by piece, so that any number of contacts takes the same memory.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import select

from app.core.phones import lid_jid, show_phone
from app.extensions import db
from app.models import Contact, Instance
from app.models.contact import Address
from app.services.contact_lists import Line, Person, Wish, lines_of, page_of

PIECE = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A cell that begins so is run as a formula by Excel and its like."""
_LINE_OCTETS = 75
BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes the file for Windows-1251


def as_csv(instance: Instance, wish: Wish, heads: Sequence[str], *, country: str) -> Iterator[str]:
    """All contacts that `wish` finds, a line each, beneath `heads`: name, number, the name in the
    phone's address book, the own name, business, tags, note, WhatsApp id, other numbers. Separated
    by semicolons, which is what Excel expects in Russian and finds out by itself elsewhere."""
    yield BYTE_ORDER_MARK + csv_row(heads)
    for lines in _pieces(instance, wish, country):
        yield "".join(csv_row(_cells(line)) for line in lines)


def as_vcards(instance: Instance, wish: Wish, *, country: str) -> Iterator[str]:
    """The same as vCard 3.0; who has no known number is left out: there is nothing to call."""
    for lines in _pieces(instance, wish, country):
        yield "".join(_card(line) for line in lines if line.person.phone)


def chosen_as_csv(instance: Instance, ids: Sequence[str], heads: Sequence[str]) -> Iterator[str]:
    """The same of the contacts of the database with these ids."""
    yield BYTE_ORDER_MARK + csv_row(heads)
    for first in range(0, len(ids), PIECE):
        part = Contact.id.in_(ids[first : first + PIECE])
        query = select(Contact).where(Contact.instance_id == instance.id, part)
        people: list[Person] = [*db.session.scalars(query.order_by(Contact.sort_key, Contact.id))]
        yield "".join(csv_row(_cells(line)) for line in lines_of(instance, people))


def _pieces(instance: Instance, wish: Wish, country: str) -> Iterator[list[Line]]:
    wish = replace(wish, cursor=None, limit=PIECE)
    while True:
        page = page_of(instance, wish, country=country)
        yield page.lines
        if page.next is None:
            return
        wish = replace(wish, cursor=page.next)


def _cells(line: Line) -> list[str]:
    person = line.person
    # In groups and without the plus a number is a text to Excel, not 7.9E+10 and no formula.
    number = show_phone(person.phone).removeprefix("+")
    names = [person.shown_name, number, person.book_name, person.push_name, person.business_name]
    note = person.note if isinstance(person, Contact) else ""
    others = [show_phone(phone) or lid_jid(str(lid)) for phone, lid in _others(person)]
    return [*names, ", ".join(person.words), note, person.jid, _joined(others)]


def _others(person: Person) -> list[Address]:
    return [address for address in person.addresses[1:] if any(address)]


def _joined(numbers: list[str]) -> str:
    return ", ".join(numbers).removeprefix("+")


def csv_row(cells: Sequence[str]) -> str:
    """`cells` as a line that no spreadsheet runs anything of."""
    into = io.StringIO()
    csv.writer(into, delimiter=";").writerow(map(_harmless, cells))
    return into.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _card(line: Line) -> str:
    person = line.person
    name = _escaped(person.shown_name)
    content = [
        "BEGIN:VCARD",
        "VERSION:3.0",
        f"N:;{name};;;",
        f"FN:{name}",
        *(f"TEL;TYPE=CELL:+{phone}" for phone, _ in person.addresses if phone),
        *([f"ORG:{_escaped(person.business_name)}"] if person.business_name else []),
        "END:VCARD",
    ]
    return "".join(f"{_folded(one)}\r\n" for one in content)


def _escaped(text: str) -> str:
    """`text` as a value of a vCard (RFC 2426, section 4)."""
    for sign in ("\\", ";", ","):
        text = text.replace(sign, f"\\{sign}")
    return "\\n".join(text.splitlines())


def _folded(line: str) -> str:
    """`line` in pieces of 75 octets at most, none of which ends within a character."""
    pieces, piece, octets = [], "", 0
    for character in line:
        size = len(character.encode())
        if octets + size > _LINE_OCTETS:
            pieces.append(piece)
            piece, octets = " ", 1
        piece, octets = piece + character, octets + size
    return "\r\n".join([*pieces, piece])
