"""Entries of the key store become people, everybody once."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from app.engine.base import Person
from app.engine.contacts import known_people, merged

OWN = "15550001000:1@s.whatsapp.net"


def test_entries_by_number_and_by_lid_are_one_person() -> None:
    by_number = Person("15550002000", "900", book_name="Peer of the book")
    by_lid = Person("15550002000", "900", push_name="Peer")
    assert merged([by_lid, by_number]) == [
        Person("15550002000", "900", "Peer of the book", "Peer"),
    ]


def test_a_lid_without_a_number_joins_whoever_has_the_lid() -> None:
    nameless = Person(None, "900", push_name="Peer")
    assert merged([nameless, Person("15550002000", "900")]) == [
        Person("15550002000", "900", push_name="Peer")
    ]
    assert merged([nameless]) == [nameless]


def test_the_key_store_gives_people_with_both_addresses(tmp_path: Path) -> None:
    store = tmp_path / "keys.db"
    _fill(store)
    people = {person.phone or person.lid: person for person in known_people(str(store), OWN)}
    assert people == {
        "15550002000": Person("15550002000", "900", "Peer of the book", "Peer"),
        "15550002001": Person("15550002001", None, "Only a first name", "", "Flowers & Co"),
        "901": Person(None, "901", "", "Stranger"),
    }


def test_a_store_without_tables_knows_nobody(tmp_path: Path) -> None:
    assert known_people(str(tmp_path / "none.db"), OWN) == []
    sqlite3.connect(tmp_path / "empty.db").close()
    assert known_people(str(tmp_path / "empty.db"), OWN) == []


def _fill(store: Path) -> None:
    """As whatsmeow does; the live test has its own tables."""
    rows = [
        (OWN, "15550002000@s.whatsapp.net", None, "Peer of the book", None, None),
        (OWN, "900@lid", None, None, "Peer", None),
        (OWN, "15550002001@s.whatsapp.net", "Only a first name", None, None, "Flowers & Co"),
        (OWN, "901@lid", None, None, "Stranger", None),
        (OWN, "120363000000000000@g.us", None, "A group", None, None),
        ("19990000000:1@s.whatsapp.net", "902@lid", None, None, "Of another account", None),
    ]
    connection = sqlite3.connect(store)
    connection.execute(
        "CREATE TABLE whatsmeow_contacts (our_jid TEXT, their_jid TEXT, first_name TEXT,"
        " full_name TEXT, push_name TEXT, business_name TEXT)"
    )
    connection.execute("CREATE TABLE whatsmeow_lid_map (lid TEXT PRIMARY KEY, pn TEXT UNIQUE)")
    connection.executemany("INSERT INTO whatsmeow_contacts VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.execute("INSERT INTO whatsmeow_lid_map VALUES ('900', '15550002000')")
    connection.commit()
    connection.close()
