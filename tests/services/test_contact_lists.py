"""Lists of contacts: found, ordered, page by page, in few queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.ctx import AppContext

from app.clock import utcnow
from app.core.errors import Invalid
from app.extensions import db
from app.models import Instance, LinkedAccount, User
from app.services import contact_lists
from app.services.contact_lists import Order, Page, Source, Wish
from tests import factories
from tests.queries import selects


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


def page(shop: Instance, source: Source = Source.DATABASE, **wish: object) -> Page:
    return contact_lists.page_of(shop, Wish(source=source, **wish), country="RU")  # type: ignore[arg-type]


def names(part: Page) -> list[str]:
    return [line.person.shown_name for line in part.lines]


def test_each_source_has_its_own_people(shop: Instance, account: LinkedAccount) -> None:
    factories.contact(shop, name="Ours")
    factories.whatsapp_contact(account, book_name="Theirs")
    assert names(page(shop)) == ["Ours"]
    assert names(page(shop, Source.WHATSAPP)) == ["Theirs"]
    assert contact_lists.count(shop, Source.DATABASE) == 1


def test_an_account_that_was_linked_before_is_not_listed(
    shop: Instance, account: LinkedAccount
) -> None:
    factories.whatsapp_contact(account, book_name="Of the old number")
    factories.linked_account(shop)
    db.session.expire_all()
    assert names(page(db.session.get_one(Instance, shop.id), Source.WHATSAPP)) == []


@pytest.mark.parametrize("text", ["ИВАН", "ванов бор", "8 916 555", "+7 (916)", "5501"])
def test_people_are_found_by_any_part_of_name_or_number(shop: Instance, text: str) -> None:
    factories.contact(shop, name="Борис Иванов", phone="79165550100")
    factories.contact(shop, name="", push_name="Мария", phone="79261112233")
    assert names(page(shop, text=text)) == ["Борис Иванов"]


def test_text_that_means_something_to_a_database_is_only_text(shop: Instance) -> None:
    factories.contact(shop, name="100% cotton_shop")
    assert names(page(shop, text="0% COTTON_")) == ["100% cotton_shop"]
    assert names(page(shop, text="%")) == ["100% cotton_shop"]
    assert names(page(shop, text="o%o")) == []


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.NAME, "ABCDEFG"),
        (Order.NAME_REVERSED, "GFEDCBA"),
        (Order.NEWEST, "GFEDCBA"),
    ],
)
def test_pages_follow_each_other_without_gap_or_repetition(
    shop: Instance, order: Order, expected: str
) -> None:
    for name in "ABCDEFG":
        factories.contact(shop, name=name)
    found, cursor = "", None
    for _ in range(3):
        part = page(shop, order=order, cursor=cursor, limit=3)
        found += "".join(names(part))
        cursor = part.next
    assert (found, cursor) == (expected, None)


def test_a_page_goes_on_where_the_last_one_stood_though_it_was_deleted(shop: Instance) -> None:
    people = [factories.contact(shop, name=name) for name in "ABC"]
    cursor = page(shop, limit=2).next
    db.session.delete(db.session.get_one(type(people[1]), people[1].id))
    db.session.flush()
    assert names(page(shop, cursor=cursor)) == ["C"]


@pytest.mark.parametrize("cursor", ["nonsense!", "AAAA", "é", "Y29uX1gAIHg"])
def test_a_cursor_of_nobody_is_refused(shop: Instance, cursor: str) -> None:
    with pytest.raises(Invalid) as refusal:
        page(shop, cursor=cursor)
    assert refusal.value.field == "cursor"


def test_a_line_knows_the_chat_and_the_contact_that_is_kept_here(
    shop: Instance, account: LinkedAccount
) -> None:
    at = utcnow() - timedelta(hours=1)
    by_number = factories.chat(account, lid=None, last_at=at, last_text="Hello")
    by_lid = factories.chat(account, phone=None, last_text="")
    saved = factories.contact(shop, phone=by_number.phone, name="Saved")
    factories.whatsapp_contact(account, phone=by_number.phone, book_name="A")
    factories.whatsapp_contact(account, phone=None, lid=by_lid.lid, book_name="B")
    factories.whatsapp_contact(account, book_name="C")
    first, second, third = page(shop, Source.WHATSAPP).lines
    assert first.chat and first.saved and second.chat
    assert (first.chat.id, first.last_at, first.saved.id) == (by_number.id, at, saved.id)
    assert (second.chat.id, second.last_at, second.saved) == (by_lid.id, None, None)
    assert (third.chat, third.last_at) == (None, None)


def test_a_page_takes_the_same_few_queries_however_long_it_is(
    shop: Instance, account: LinkedAccount
) -> None:
    for number in range(60):
        factories.whatsapp_contact(account, book_name=f"Person {number}", lid=f"80{number:04}")
    assert shop.account_id  # read anew after the commit
    with selects() as asked:
        part = page(shop, Source.WHATSAPP)
    assert len(part.lines) == 50
    assert len(asked) <= 6, asked  # places, rows, chats and contacts by number and by LID
