"""Lists of contacts: found, ordered, page by page, in few queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.ctx import AppContext

from app.clock import utcnow
from app.core.errors import Invalid
from app.extensions import db
from app.models import Instance, LinkedAccount, User
from app.services import contact_lists, contact_order
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
def test_acursor_of_nobody_is_refused(shop: Instance, cursor: str) -> None:
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
    assert len(part.lines) == 30
    assert len(asked) <= 7, asked  # places, rows, chats and contacts by number, LID, merged


def talked(account: LinkedAccount, minutes: int, **person: object) -> None:
    at = utcnow() - timedelta(minutes=minutes)
    factories.chat(account, last_at=at, last_text="Hello", **person)


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_the_last_message_goes_first_and_who_never_wrote_comes_by_name(
    shop: Instance, account: LinkedAccount, limit: int
) -> None:
    people = {name: factories.contact(shop, name=name) for name in "DCBA"}
    hidden = factories.contact(shop, name="L", phone=None, lid="80001")
    talked(account, 30, phone=people["D"].phone, lid=None)
    talked(account, 10, phone=people["B"].phone, lid=None)
    talked(account, 20, phone=None, lid=hidden.lid)
    talked(account, 5, phone="15550000001", lid=None)  # nobody's
    factories.chat(account, phone=people["A"].phone, lid=None)  # without a message
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        part = page(shop, order=Order.LAST_MESSAGE, limit=limit, cursor=cursor or None)
        found += names(part)
        cursor = part.next
    assert found == ["B", "L", "D", "A", "C"]
    assert names(page(shop, order=Order.LAST_MESSAGE, text="d")) == ["D"]


@pytest.mark.parametrize("few", [0, 1000])
def test_a_search_that_finds_few_and_one_that_finds_many_have_one_order(
    shop: Instance, account: LinkedAccount, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_order, "FEW", few)
    people = [factories.contact(shop, name=f"Client {name}") for name in "ABCD"]
    talked(account, 9, phone=people[3].phone, lid=None)
    talked(account, 5, phone=people[1].phone, lid=None)
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        wish = {"order": Order.LAST_MESSAGE, "text": "client", "limit": 1}
        part = page(shop, cursor=cursor or None, **wish)
        found += names(part)
        cursor = part.next
    assert [name[-1] for name in found] == ["B", "D", "A", "C"]


def test_whatsapps_people_stand_by_their_last_message_too(
    shop: Instance, account: LinkedAccount
) -> None:
    first, second = (factories.whatsapp_contact(account, book_name=name) for name in "AB")
    talked(account, 1, phone=second.phone, lid=None)
    assert names(page(shop, Source.WHATSAPP, order=Order.LAST_MESSAGE)) == ["B", "A"]
    assert first.book_name == "A"


@pytest.mark.parametrize("key", ["1soon", "12026-01-01T00:00:00", "x"])
def test_a_place_in_another_order_is_no_page(shop: Instance, key: str) -> None:
    cursor = contact_lists.cursor_of(key, "con_1")
    with pytest.raises(Invalid):
        page(shop, order=Order.LAST_MESSAGE, cursor=cursor)
