"""Contacts of the database, and how they name chats."""

from __future__ import annotations

import pytest
from flask.ctx import AppContext

from app.core.errors import Invalid, NotFound
from app.extensions import db
from app.models import Chat, Contact, Instance, LinkedAccount, User
from app.services import chats, contact_lists, contacts
from app.services.contact_lists import Source, Wish
from app.services.contacts import ContactExists
from app.transaction import transaction
from tests import factories

MARIA = "79161234567"


@pytest.fixture
def shop(app_context: AppContext, bob: User) -> Instance:
    """An instance of Bob's with a linked phone."""
    instance = factories.instance(bob)
    factories.linked_account(instance)
    return db.session.get_one(Instance, instance.id)


@pytest.fixture
def account(shop: Instance) -> LinkedAccount:
    assert shop.account
    return shop.account


def add(shop: Instance, phone: str = MARIA, name: str = "", **options: bool) -> Contact:
    with transaction():
        return contacts.add(shop, phone=phone, name=name, country="RU", **options)


def name_of(chat: Chat) -> str:
    return db.session.get_one(Chat, chat.id).shown_name


def test_a_number_in_any_notation_is_kept_as_digits(shop: Instance) -> None:
    contact = add(shop, "8 (916) 123-45-67", "  Мария   Иванова ")
    assert (contact.phone, contact.name) == (MARIA, "Мария Иванова")


def test_a_new_contact_takes_what_whatsapp_knows(shop: Instance, account: LinkedAccount) -> None:
    factories.whatsapp_contact(
        account, phone=MARIA, lid="80001", book_name="Maria Flowers", push_name="Masha"
    )
    contact = add(shop)
    assert (contact.lid, contact.shown_name, contact.push_name) == (
        "80001",
        "Maria Flowers",
        "Masha",
    )


@pytest.mark.parametrize(
    ("phone", "name", "field"),
    [("", "Maria", "phone"), ("call me", "Maria", "phone"), (MARIA, "x" * 101, "name")],
)
def test_what_cannot_be_kept_is_refused_by_field(
    shop: Instance, phone: str, name: str, field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        add(shop, phone, name)
    assert refusal.value.field == field


def test_a_number_that_is_there_is_found_and_updated_only_on_demand(shop: Instance) -> None:
    first = add(shop, name="Maria")
    with pytest.raises(ContactExists) as refusal:
        add(shop, "+7 916 123 45 67", "Masha")
    assert refusal.value.contact.id == first.id
    assert add(shop, name="Masha", update=True).id == first.id
    assert db.session.get_one(Contact, first.id).name == "Masha"


def test_the_name_reaches_the_chat_and_leaves_it_with_the_contact(
    shop: Instance, account: LinkedAccount
) -> None:
    chat = factories.chat(account, phone=MARIA, name="Mashka")
    contact = add(shop, name="Maria Ivanova")
    assert name_of(chat) == "Maria Ivanova"
    with transaction():
        contacts.delete(shop, contacts.get_for(shop, contact.id))
    assert name_of(chat) == "Mashka"


def test_changing_the_number_names_another_chat(shop: Instance, account: LinkedAccount) -> None:
    former = factories.chat(account, phone=MARIA, name="")
    chat = factories.chat(account, phone="79160000000", name="")
    contact = add(shop, name="Maria")
    with transaction():
        contacts.change(
            shop, contacts.get_for(shop, contact.id), phone="79160000000", name="M", country="RU"
        )
    assert (name_of(former), name_of(chat)) == ("+7 916 123-45-67", "M")


def test_a_number_of_another_contact_cannot_be_taken(shop: Instance) -> None:
    other, contact = add(shop, name="Maria"), add(shop, "79160000000")
    with pytest.raises(ContactExists) as refusal, transaction():
        contact = contacts.get_for(shop, contact.id)
        contacts.change(shop, contact, phone=MARIA, name="", country="RU")
    assert refusal.value.contact.id == other.id


def test_a_new_chat_and_one_whose_number_becomes_known_are_named(
    shop: Instance, account: LinkedAccount
) -> None:
    add(shop, name="Maria")
    factories.whatsapp_contact(account, phone=None, lid="80002", book_name="Oleg of the depot")
    with transaction():
        by_number = chats.person(account, phone=MARIA)
        by_lid = chats.person(account, lid="80002")
        nameless = chats.person(account, lid="80003")
        names = [by_number.shown_name, by_lid.shown_name, nameless.shown_name]
    assert names == ["Maria", "Oleg of the depot", "80003@lid"]
    add(shop, "79160000000", "Late")
    with transaction():
        assert chats.person(account, lid="80003", phone="79160000000").shown_name == "Late"


def test_contacts_stay_with_the_instance_when_another_number_is_linked(
    shop: Instance, account: LinkedAccount
) -> None:
    contact = add(shop, name="Maria")
    other = factories.linked_account(shop)
    chat = factories.chat(other, phone=MARIA)
    with transaction():
        contacts.add(shop, phone=MARIA, name="Maria P.", country="RU", update=True)
    assert contacts.get_for(shop, contact.id).name == "Maria P."
    assert name_of(chat) == "Maria P."


def test_a_contact_of_another_instance_is_not_there(shop: Instance, bob: User) -> None:
    contact = add(shop)
    with pytest.raises(NotFound):
        contacts.get_for(factories.instance(bob), contact.id)


def change(shop: Instance, contact: Contact, **facts: object) -> None:
    with transaction():
        contact = contacts.get_for(shop, contact.id)
        contacts.change(shop, contact, phone=MARIA, name="Maria", country="RU", **facts)  # type: ignore[arg-type]


def test_tags_and_a_note_are_kept_each_tag_once_and_found(shop: Instance) -> None:
    contact = add(shop, name="Maria")
    change(shop, contact, note=" Loves tulips\r\nand roses ", tags=[" VIP", "опт", "vip ", ""])
    kept = contacts.get_for(shop, contact.id)
    assert (kept.note, kept.tags) == ("Loves tulips\nand roses", ["VIP", "опт"])
    for text in ("ОПТ", "vip"):
        part = contact_lists.page_of(shop, Wish(Source.DATABASE, text), country="RU")
        assert [line.person.id for line in part.lines] == [contact.id]
    change(shop, contact)
    assert contacts.get_for(shop, contact.id).tags == ["VIP", "опт"]


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"note": "x" * 2001}, "note_too_long"),
        ({"tags": list("abcdefghijk")}, "too_many_tags"),
        ({"tags": ["x" * 31]}, "tag_too_long"),
    ],
)
def test_notes_and_tags_have_limits(shop: Instance, facts: dict[str, object], code: str) -> None:
    contact = add(shop)
    with pytest.raises(Invalid) as refusal:
        change(shop, contact, **facts)
    assert refusal.value.code == code
