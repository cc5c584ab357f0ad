"""The list of a person's instances: found, filtered, sorted, counted, in few queries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.clock import utcnow
from app.core.states import InstanceState
from app.extensions import db
from app.services.overview import Sort, Wish, overview_of, summary_of
from tests import factories
from tests.queries import selects


def names(user, **wish):
    return [one.instance.name for one in overview_of(user, Wish(**wish)).summaries]


@pytest.fixture
def three(app_context, bob, charlie):
    """Three instances of bob's and one of charlie's."""
    shop = factories.instance(bob, name="Магазин", state="connected", description="На Мясницкой")
    account = factories.linked_account(shop, phone="79161234567", push_name="Анна")
    factories.chat(account, unread=3)
    depot = factories.instance(bob, name="Depot", state="failed")
    factories.linked_account(depot, phone="4915112345678")
    factories.instance(bob, name="Склад")
    factories.instance(charlie, name="Магазин")
    return shop, depot


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["Depot", "Магазин", "Склад"]),
        ("магАЗИН", ["Магазин"]),
        ("мясницк", ["Магазин"]),
        ("анна магазин", ["Магазин"]),
        ("+7 916 123-45", ["Магазин"]),
        ("4915112", ["Depot"]),
        ("nothing", []),
    ],
)
def test_text_finds_name_description_account_and_number(three, bob, text, found):
    assert names(bob, text=text) == found


def test_the_state_filters_and_the_counters_stay(three, bob):
    overview = overview_of(bob, Wish(state=InstanceState.FAILED))
    assert [one.instance.name for one in overview.summaries] == ["Depot"]
    assert (overview.total, overview.found) == (3, 1)
    assert overview.states == {"connected": 1, "failed": 1, "created": 1}


def test_counters_follow_the_text(three, bob):
    assert overview_of(bob, Wish(text="depot")).states == {"failed": 1}


def test_unread_and_last_activity_are_those_of_the_linked_account(three, bob):
    shop, _ = three
    later = utcnow() + timedelta(minutes=5)
    factories.chat(shop.account, unread=2, last_at=later)
    assert (summary_of(shop).unread, summary_of(shop).active_at) == (5, later)
    factories.chat(factories.linked_account(shop, phone="79160000009"), unread=9)
    assert summary_of(shop).unread == 9


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (Sort.NAME, ["Depot", "Магазин", "Склад"]),
        (Sort.STATE, ["Depot", "Склад", "Магазин"]),
        (Sort.UNREAD, ["Магазин", "Depot", "Склад"]),
        (Sort.ACTIVITY, ["Склад", "Depot", "Магазин"]),
    ],
)
def test_lists_can_be_sorted(three, bob, sort, order):
    assert names(bob, sort=sort) == order


def test_pages_hold_so_many_and_end_with_the_last(three, bob):
    assert names(bob, size=2, page=2) == ["Склад"]
    overview = overview_of(bob, Wish(size=2, page=9))
    assert (overview.page, overview.pages, len(overview.summaries)) == (2, 2, 1)


@pytest.mark.parametrize("count", [2, 60])
def test_the_number_of_queries_does_not_grow_with_the_list(app_context, bob, count):
    for number in range(count):
        instance = factories.instance(bob, name=f"Instance {number}")
        factories.chat(factories.linked_account(instance), unread=1)
    db.session.rollback()
    with selects() as asked:
        overview = overview_of(bob, Wish())
        assert all(one.instance.account.phone for one in overview.summaries)
    assert (overview.total, len(asked)) == (count, 2)
