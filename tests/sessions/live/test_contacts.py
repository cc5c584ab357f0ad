"""The phone's address book on the real engine: it arrives, and it is imported."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from app.extensions import db
from app.models import Contact, ContactImport, WhatsAppContact
from app.services import contact_imports
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(400)
LONG = 180.0  # seconds, for ten thousand people on a machine that runs other tests beside
BOOK = [(f"155530{number:05}", f"Person {number}") for number in range(10_000)]


def names(product: Product, kind: type[Contact] | type[WhatsAppContact]) -> set[str]:
    with product.app.app_context():
        return {row.shown_name for row in db.session.scalars(select(kind))}


def known(product: Product) -> int:
    with product.app.app_context():
        return db.session.scalar(select(func.count()).select_from(WhatsAppContact)) or 0


def run_import(product: Product, instance_id: str) -> tuple[tuple[int, int, int], set[int]]:
    """New, updated and unchanged, and how many were seen done while it ran."""
    job_id = product.act(contact_imports.start, instance_id)
    seen: set[int] = set()

    def finished() -> ContactImport | None:
        with product.app.app_context():
            job = db.session.get_one(ContactImport, job_id)
            seen.add(job.seen)
            return None if job.is_running else job

    job = wait_for(finished, LONG, "the import is over")
    assert job is not None and job.state == "done"
    return (job.added, job.updated, job.unchanged), seen - {0, job.total}


def test_the_address_book_arrives_and_is_imported_once(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    phone = product.sandbox.client
    phone.save_contacts(OWN_NUMBER, [*BOOK, (PEER_NUMBER, "Peer of the book")])
    phone.send(PEER_NUMBER, OWN_NUMBER, "Hi")
    count = len(BOOK) + 1
    wait_for(lambda: known(product) == count, LONG, "the book is here")
    product.start("jobs")

    counts, seen = run_import(product, instance_id)
    assert counts == (count, 0, 0)
    assert len(seen) >= 5, "progress is seen"
    assert names(product, Contact) == {name for _, name in BOOK} | {"Peer of the book"}
    wait_for(
        lambda: [chat.shown_name for chat in product.chats(instance_id)] == ["Peer of the book"],
        PATIENCE,
        "number and LID of who wrote are one person",
    )

    phone.save_contacts(OWN_NUMBER, [("15553000000", "Renamed"), ("15553999999", "New")])
    wait_for(
        lambda: run_import(product, instance_id)[0] != (0, 0, count) or None,
        PATIENCE,
        "news arrived",
    )
    assert {"Renamed", "New"} <= names(product, Contact)
