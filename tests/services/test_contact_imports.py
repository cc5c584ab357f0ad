"""WhatsApp's contacts: written by the host, copied into the database by imports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask.ctx import AppContext
from sqlalchemy import select

from app.clock import utcnow
from app.core.errors import Conflict
from app.core.states import InstanceState
from app.extensions import db
from app.models import Chat, Contact, ContactImport, Instance, LinkedAccount, User, WhatsAppContact
from app.services import contact_imports, whatsapp_contacts
from app.transaction import transaction
from tests import factories


@dataclass(frozen=True)
class Known:
    """A person as the engine tells of them."""

    phone: str | None
    lid: str | None = None
    book_name: str = ""
    push_name: str = ""
    business_name: str = ""


@pytest.fixture
def shop(app_context: AppContext, bob: User) -> Instance:
    """An instance of Bob's with a linked phone that is not connected."""
    instance = factories.instance(bob)
    factories.linked_account(instance, phone="15551000002")
    return db.session.get_one(Instance, instance.id)


@pytest.fixture
def account(shop: Instance) -> LinkedAccount:
    assert shop.account
    return shop.account


def tell(account: LinkedAccount, *people: Known, forget: bool = False) -> None:
    with transaction():
        whatsapp_contacts.write(account, people)
        if forget:
            keys = whatsapp_contacts.keys_of(people)
            assert whatsapp_contacts.forget_others(account, keys, behind="") is None


def copies() -> list[tuple[str | None, str | None, str]]:
    rows = db.session.scalars(select(WhatsAppContact).order_by(WhatsAppContact.sort_key))
    return [(row.phone, row.lid, row.shown_name) for row in rows]


def kept() -> list[tuple[str | None, str | None, str]]:
    rows = db.session.scalars(select(Contact).order_by(Contact.sort_key))
    return [(row.phone, row.lid, row.shown_name) for row in rows]


def run_import(shop: Instance) -> tuple[int, int, int]:
    """New, updated and unchanged, of a whole import."""
    with transaction():
        job_id = contact_imports.start(shop).id
    more = True
    while more:
        with transaction():
            more = contact_imports.copy_batch(job_id)
    job = db.session.get_one(ContactImport, job_id)
    assert (job.state, job.seen) == ("done", job.total)
    return job.added, job.updated, job.unchanged


def test_the_copy_follows_what_whatsapp_knows(account: LinkedAccount) -> None:
    tell(account, Known("1555", book_name="A"), Known("1556", book_name="B"))
    tell(
        account, Known("1555", "80", book_name="A2"), Known(None, "81", push_name="C"), forget=True
    )
    assert copies() == [("1555", "80", "A2"), (None, "81", "C")]


def test_number_and_lid_that_turn_out_to_be_one_person_become_one(account: LinkedAccount) -> None:
    tell(account, Known("1555", book_name="A"), Known(None, "80", push_name="B"))
    tell(account, Known("1555", "80", book_name="A", push_name="B"))
    assert copies() == [("1555", "80", "A")]


def test_the_own_number_is_nobody_to_write_to(account: LinkedAccount) -> None:
    tell(account, Known(account.phone, push_name="Me"), Known(None, account.lid, push_name="Me"))
    assert copies() == []


def test_the_address_book_names_the_chats_of_its_account(account: LinkedAccount) -> None:
    chat = factories.chat(account, phone="1555", lid=None, name="push")
    tell(account, Known("1555", book_name="Anna of the depot"))
    assert db.session.get_one(Chat, chat.id).shown_name == "Anna of the depot"
    tell(account, Known("1556"), forget=True)
    assert db.session.get_one(Chat, chat.id).shown_name == "push"


def test_importing_copies_everybody_and_twice_nothing(
    shop: Instance, account: LinkedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_imports, "BATCH", 2)
    tell(account, *(Known(f"155500{n}", f"80{n}", book_name=f"Person {n}") for n in range(5)))
    assert run_import(shop) == (5, 0, 0)
    assert run_import(shop) == (0, 0, 5)
    assert [name for *_, name in kept()] == [f"Person {n}" for n in range(5)]


def test_news_reach_a_contact_and_its_own_name_stays(
    shop: Instance, account: LinkedAccount
) -> None:
    factories.contact(shop, phone="1555", name="Ours")
    factories.contact(shop, phone="1556")
    tell(account, Known("1555", "80", book_name="Theirs"), Known("1556", book_name="New"))
    assert run_import(shop) == (0, 2, 0)
    assert kept() == [("1556", None, "New"), ("1555", "80", "Ours")]


def test_a_contact_that_is_kept_twice_is_joined(shop: Instance, account: LinkedAccount) -> None:
    factories.contact(shop, phone="1555")
    factories.contact(shop, phone=None, lid="80", name="By LID", note="Noted", tags=["VIP"])
    tell(account, Known("1555", "80", push_name="A"))
    assert run_import(shop) == (0, 1, 0)
    assert kept() == [("1555", "80", "By LID")]
    contact = db.session.scalars(select(Contact)).one()
    assert (contact.note, contact.tags) == ("Noted", ["VIP"])


def test_a_contact_with_another_number_only_loses_the_lid(
    shop: Instance, account: LinkedAccount
) -> None:
    factories.contact(shop, phone="1555", name="A")
    factories.contact(shop, phone="1556", lid="80", name="B")
    tell(account, Known("1555", "80"))
    run_import(shop)
    assert kept() == [("1555", "80", "A"), ("1556", None, "B")]


def test_an_import_of_a_connected_instance_waits_for_its_host_first(
    shop: Instance, account: LinkedAccount
) -> None:
    with transaction():
        shop.state = InstanceState.CONNECTED
        job = contact_imports.start(shop)
        assert contact_imports.start(shop) is job
        began_at = utcnow()
    assert (job.state, shop.contacts_wanted_at is not None) == ("reading", True)
    tell(account, Known("1555"))
    with transaction():
        assert not contact_imports.copy_batch(job.id)
        whatsapp_contacts.finish(account, began_at=began_at)
        contact_imports.go_on(account)
    assert (job.state, job.total, shop.contacts_wanted_at) == ("copying", 1, None)


def test_what_is_asked_for_during_a_look_is_still_due(
    shop: Instance, account: LinkedAccount
) -> None:
    began_at = utcnow() - timedelta(seconds=1)
    with transaction():
        whatsapp_contacts.ask(shop)
        whatsapp_contacts.finish(account, began_at=began_at)
    db.session.expire_all()
    assert shop.contacts_wanted_at is not None


@pytest.mark.parametrize(
    ("state", "instance_state", "silent_for", "is_stalled"),
    [
        ("reading", InstanceState.CONNECTED, 0, False),
        ("reading", InstanceState.CONNECTED, 25, True),
        ("reading", InstanceState.DISCONNECTED, 0, True),
        ("copying", InstanceState.CONNECTED, 0, False),
        ("copying", InstanceState.CONNECTED, 15, True),
        ("done", InstanceState.CONNECTED, 99, False),
        ("cancelled", InstanceState.CONNECTED, 99, False),
    ],
)
def test_the_sweep_takes_up_what_does_not_get_on(
    shop: Instance, state: str, instance_state: InstanceState, silent_for: int, is_stalled: bool
) -> None:
    with transaction():
        job = contact_imports.start(shop)
        shop.state, job.state = instance_state, state
        job.touched_at = utcnow() - timedelta(seconds=silent_for)
    assert contact_imports.stalled(utcnow()) == ([job.id] if is_stalled else [])


def test_a_cancelled_import_copies_no_more_and_is_over(
    shop: Instance, account: LinkedAccount
) -> None:
    tell(account, Known("1555"))
    with transaction():
        job = contact_imports.start(shop)
        contact_imports.cancel(job)
        assert not contact_imports.copy_batch(job.id)
    assert kept() == []
    with pytest.raises(Conflict), transaction():
        contact_imports.cancel(job)


def test_without_a_phone_there_is_nothing_to_import(app_context: AppContext, bob: User) -> None:
    instance = factories.instance(bob)
    with pytest.raises(Conflict), transaction():
        contact_imports.start(db.session.get_one(Instance, instance.id))
