"""The index of three letters: it follows the contacts, and is made anew where it does not fit."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.ctx import AppContext
from sqlalchemy import text

from app import migrating
from app.extensions import db
from app.models import Contact, Instance, User
from app.models.contact_grams import grams_of
from app.services import contact_lists
from app.services.contact_lists import Source, Wish
from app.transaction import transaction
from tests import factories
from tests.queries import selects


@pytest.fixture
def shop(app_context: AppContext, bob: User) -> Instance:
    """An instance of Bob's."""
    return factories.instance(bob)


def found(shop: Instance, words: str) -> list[str]:
    wish = Wish(source=Source.DATABASE, text=words)
    part = contact_lists.page_of(shop, wish, country="RU")
    return [line.person.shown_name for line in part.lines]


def test_grams_are_three_letters_in_a_row_once_each() -> None:
    assert grams_of(["анна", "на", "нна"]) == ["анн", "нна"]


def test_a_change_of_name_is_found_and_the_former_name_is_not(shop: Instance) -> None:
    contact = factories.contact(shop, name="Before")
    with transaction() as session:
        contact = session.get_one(Contact, contact.id)
        contact.name = "Afterwards"
        contact.index()
    assert found(shop, "after") == ["Afterwards"]
    assert found(shop, "before") == []


def test_who_was_deleted_is_not_found(shop: Instance) -> None:
    contact = factories.contact(shop, name="Gone")
    with transaction() as session:
        session.delete(session.get_one(Contact, contact.id))
    factories.contact(shop, name="Here")
    assert found(shop, "gone") == []
    assert found(shop, "here") == ["Here"]


@pytest.mark.parametrize("words", ["o\"n'e", '"', "a AND b", "NEAR(x)", "x*", "^one"])
def test_words_that_mean_something_to_the_index_are_only_words(shop: Instance, words: str) -> None:
    factories.contact(shop, name=f"Some {words} thing")
    factories.contact(shop, name="Else")
    assert found(shop, words) == [f"Some {words} thing"]


def test_many_who_fit_are_found_as_well(shop: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_lists, "_FEW", 2)
    for number in range(4):
        factories.contact(shop, name=f"Anna {number}")
    assert found(shop, "anna") == ["Anna 0", "Anna 1", "Anna 2", "Anna 3"]


@pytest.mark.plan_of_sqlite
def test_where_few_fit_nobody_else_is_looked_at(shop: Instance) -> None:
    rare = factories.contact(shop, name="Rarissima")
    factories.contact(shop, name="Anna")
    number = db.session.scalar(text("SELECT rowid FROM contacts WHERE id = :id"), {"id": rare.id})
    conditions = contact_lists.fits(Contact, "rarissima", "RU")
    (only, *_) = conditions
    assert only.compile(compile_kwargs={"literal_binds": True}).string == (
        f"contacts.rowid IN ({number})"
    )
    with selects() as asked:
        assert found(shop, "nobody") == []
    assert len(asked) == 3  # the index, the places, and no row of them


@pytest.mark.plan_of_sqlite
def test_an_index_that_does_not_fit_is_made_anew(app: Flask, shop: Instance) -> None:
    factories.contact(shop, name="Second")
    shop_id = shop.id
    with transaction() as session:
        empty = "INSERT INTO grams_of_contacts (grams_of_contacts) VALUES ('delete-all')"
        session.execute(text(empty))
    assert found(db.session.get_one(Instance, shop_id), "second") == []
    db.session.remove()
    migrating.migrate(app)
    assert found(db.session.get_one(Instance, shop_id), "second") == ["Second"]
