"""What the engine knows of people reaches the database while the session is connected."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from app.engine.base import Person
from app.engine.errors import EngineError
from app.extensions import db
from app.models import ContactImport, WhatsAppContact
from app.services import contact_imports, whatsapp_contacts
from app.sessions import contact_book
from app.sessions.host import SessionHost
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import PATIENCE, Look
from tests.waiting import wait_for

ANNA, OLEG = Person("15552000001", "90001", "Anna"), Person(None, "90002", "", "Oleg")


@pytest.fixture
def known(app: Flask) -> object:
    """Looks at the names that the database has."""

    def look() -> set[str]:
        with app.app_context():
            return {row.shown_name for row in db.session.scalars(select(WhatsAppContact))}

    return look


def test_contacts_are_copied_soon_after_the_first_connection(
    look: Look, engine: ScriptedEngine, new_host, known, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_book, "AFTER_LINKING", (0.1, 0.5))
    engine.people = [ANNA, OLEG]
    look.open_on(new_host())
    wait_for(lambda: known() == {"Anna", "Oleg"}, PATIENCE, "both are there")
    engine.people = [OLEG]  # the phone told it late
    wait_for(lambda: known() == {"Oleg"}, PATIENCE, "the second look follows")


def test_whoever_asks_gets_a_look_at_once_and_the_import_goes_on(
    opened: SessionHost, look: Look, engine: ScriptedEngine, app: Flask, known
) -> None:
    engine.people = [ANNA]
    look.act(contact_imports.start)
    wait_for(lambda: look.instance.contacts_wanted_at is None, PATIENCE, "it was read")
    assert known() == {"Anna"}
    with app.app_context():
        job = db.session.scalars(select(ContactImport)).one()
        assert (job.state, job.total) == ("copying", 1)


def test_a_key_store_that_cannot_be_read_leaves_what_is_there_and_the_session_alone(
    opened: SessionHost, look: Look, engine: ScriptedEngine, known
) -> None:
    engine.people = [ANNA]
    look.act(whatsapp_contacts.ask)
    wait_for(lambda: known() == {"Anna"}, PATIENCE, "it was read")
    engine.people_errors.append(EngineError("key_store_unreadable"))
    look.act(whatsapp_contacts.ask)
    wait_for(lambda: not engine.people_errors, PATIENCE, "it was tried")
    look.queue("Hello")
    wait_for(lambda: engine.sent == ["Hello"], PATIENCE, "the session works")
    assert known() == {"Anna"}
