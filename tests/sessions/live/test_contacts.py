"""The phone's address book on the real engine: it arrives, and it is imported."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import Contact, ContactImport, WhatsAppContact
from app.services import contact_imports
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(240)
BOOK = [(f"1555300{number:04}", f"Person {number}") for number in range(300)]


def names(product: Product, kind: type[Contact] | type[WhatsAppContact]) -> set[str]:
    with product.app.app_context():
        return {row.shown_name for row in db.session.scalars(select(kind))}


def run_import(product: Product, instance_id: str) -> tuple[int, int, int]:
    job_id = product.act(contact_imports.start, instance_id)

    def finished() -> ContactImport | None:
        with product.app.app_context():
            job = db.session.get_one(ContactImport, job_id)
            return None if job.is_running else job

    job = wait_for(finished, PATIENCE, "the import is over")
    assert job is not None and job.state == "done"
    return job.added, job.updated, job.unchanged


def test_the_address_book_arrives_and_is_imported_once(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    phone = product.sandbox.client
    phone.save_contacts(OWN_NUMBER, [*BOOK, (PEER_NUMBER, "Peer of the book")])
    phone.send(PEER_NUMBER, OWN_NUMBER, "Hi")
    wait_for(lambda: len(names(product, WhatsAppContact)) == 301, PATIENCE, "the book is here")
    product.start("jobs")

    assert run_import(product, instance_id) == (301, 0, 0)
    assert names(product, Contact) == {name for _, name in BOOK} | {"Peer of the book"}
    wait_for(
        lambda: [chat.shown_name for chat in product.chats(instance_id)] == ["Peer of the book"],
        PATIENCE,
        "number and LID of who wrote are one person",
    )

    phone.save_contacts(OWN_NUMBER, [("15553000000", "Renamed"), ("15553009999", "New")])
    wait_for(
        lambda: run_import(product, instance_id) != (0, 0, 301) or None, PATIENCE, "news arrived"
    )
    assert {"Renamed", "New"} <= names(product, Contact)
