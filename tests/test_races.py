"""Two at the same moment: the second finds what the first left, or is told so; nothing is doubled.

On SQLite a writing transaction is alone and these hold by themselves; PostgreSQL needs the house's
means: again_when_beaten, hold, alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.clock import utcnow
from app.core.errors import Conflict
from app.core.ids import new_id
from app.core.states import InstanceState
from app.extensions import db
from app.models import USAGE, Chat, Endpoint, Instance, LinkedAccount, Message, Pairing, User
from app.models.base import Base
from app.services import (
    accounts,
    chat_manners,
    chats,
    counting,
    event_feed,
    instances,
    messaging,
    pairings,
    repeats,
    webhooks,
)
from app.sessions import leases
from app.transaction import again_when_beaten, hold, transaction
from tests import factories
from tests.ui.browser import Browser

_MEETING_SECONDS = 0.5
"""How long the first waits for the second, who cannot come where transactions run one by one."""


@pytest.fixture
def meet(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType, str], None]:
    """Lets two callers of a function go on only when both have its answer."""

    def let_meet(module: ModuleType, name: str) -> None:
        real, barrier = getattr(module, name), threading.Barrier(2)

        def looked(*args: Any, **values: Any) -> Any:
            answer = real(*args, **values)
            with suppress(threading.BrokenBarrierError):
                barrier.wait(_MEETING_SECONDS)
            return answer

        monkeypatch.setattr(module, name, looked)

    return let_meet


@pytest.fixture
def twice(app: Flask) -> Callable[[Callable[[], Any]], list[Any]]:
    """Does the same in two transactions side by side, as views do; the answers or the errors."""

    def run(act: Callable[[], Any]) -> Any:
        @again_when_beaten
        def once() -> Any:
            with transaction() as session:
                answer = act()
                session.flush()
                return getattr(answer, "id", answer)

        with app.app_context():
            try:
                return once()
            except Exception as error:
                return error

    def both(act: Callable[[], Any]) -> list[Any]:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(run, [act, act]))

    return both


@pytest.fixture
def shop(app: Flask, bob: User) -> Instance:
    """An instance of Bob's with a phone linked."""
    with app.app_context():
        made = factories.instance(bob, name="Shop", state=InstanceState.CONNECTED)
        factories.linked_account(made)
        db.session.refresh(made)
        return made


def count(app: Flask, kind: type[Base]) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(kind)) or 0


def the(kind: type[Any], row: Any) -> Any:
    return db.session.get_one(kind, row.id)


def test_one_name_goes_to_one_of_two_new_instances(app, bob, meet, twice):
    meet(instances, "checked_name")
    answers = twice(lambda: instances.create(owner=the(User, bob), name="Shop"))
    assert sorted(getattr(answer, "code", "made") for answer in answers) == ["made", "name_taken"]


def test_one_address_makes_one_account(app, meet, twice):
    meet(accounts, "checked_email")
    answers = twice(
        lambda: accounts.create_user(email="anna@example.com", password=factories.PASSWORD)
    )
    assert {getattr(answer, "code", "made") for answer in answers} == {"made", "email_taken"}


def test_one_setup_link_makes_one_administrator(app, meet, twice):
    with app.app_context(), transaction():
        token = accounts.new_setup_link()
    meet(accounts, "check_setup_link")
    numbers = iter(range(2))

    def set_up() -> User:
        email = f"first{next(numbers)}@example.com"
        return accounts.set_up(token, email=email, password=factories.PASSWORD)

    answers = twice(set_up)
    assert sorted(getattr(answer, "code", "made") for answer in answers) == [
        "made",
        "setup_link_invalid",
    ]
    assert count(app, User) == 1


def test_one_idempotency_key_queues_one_message(app, shop, meet, twice):
    meet(repeats, "earlier")
    answers = twice(
        lambda: messaging.queue_text(
            the(Instance, shop),
            to="+79161234567",
            text="Hello",
            source="api",
            country="RU",
            idempotency_key="order-1",
        )
    )
    assert len(set(answers)) == 1
    assert (count(app, Message), count(app, Chat)) == (1, 1)


def test_a_form_that_is_sent_twice_at_once_is_one_message_and_no_error(app, shop, bob, meet):
    with app.app_context():
        chat = factories.chat(the(LinkedAccount, shop.account))
    path = f"/ui/instances/{shop.id}/chat/{chat.id}/location"
    form = {"latitude": "55.75", "longitude": "37.62", "key": "0" * 32}
    browsers = [Browser(app.test_client()).sign_in(bob) for _ in range(2)]
    meet(repeats, "earlier")
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda browser: browser.post(path, form).status_code, browsers))
    assert (answers, count(app, Message)) == ([303, 303], 1)


@pytest.mark.parametrize("address", [{"phone": "79161234567"}, {"lid": "300000000001"}])
def test_one_person_has_one_chat(app, shop, meet, twice, address):
    meet(chats, "_with_person")
    answers = twice(lambda: chats.person(the(LinkedAccount, shop.account), **address))
    assert len(set(answers)) == 1


def test_one_group_has_one_chat(app, shop, twice):
    answers = twice(lambda: chats.group(the(LinkedAccount, shop.account), "120363000000000001"))
    assert len(set(answers)) == 1


def test_two_messages_at_once_both_count_as_unread(app, shop, twice):
    barrier = threading.Barrier(2)

    def touch() -> None:
        chat = chats.person(the(LinkedAccount, shop.account), phone="79161234567")
        with suppress(threading.BrokenBarrierError):
            barrier.wait(_MEETING_SECONDS)
        chats.touch(chat, text="Hello", at=chat.last_at, unread=1)

    with app.app_context():
        factories.chat(the(LinkedAccount, shop.account), phone="79161234567", unread=0)
    twice(touch)
    with app.app_context():
        assert db.session.scalar(select(Chat.unread)) == 2


def test_two_chats_are_not_both_the_third_that_is_pinned(app, shop, meet, twice):
    meet(chat_manners, "_pinned_beside")
    with app.app_context():
        account = the(LinkedAccount, shop.account)
        for _ in range(2):
            factories.chat(account, pinned_at=utcnow())
        ids = iter([factories.chat(account).id for _ in range(2)])
    answers = twice(lambda: chat_manners.pin(db.session.get_one(Chat, next(ids))))
    assert sorted(isinstance(answer, Conflict) for answer in answers) == [False, True], answers


def test_two_saves_make_one_endpoint(app, shop, bob, meet, twice):
    meet(webhooks, "endpoint_of")
    answers = twice(
        lambda: webhooks.save_endpoint(
            the(Instance, shop), url="https://example.com/hook", actor=the(User, bob)
        )
    )
    assert len(set(answers)) == 1
    assert count(app, Endpoint) == 1


def test_two_who_link_share_one_attempt(app, bob, meet, twice):
    with app.app_context():
        fresh = factories.instance(bob)
    meet(pairings, "active_of")
    answers = twice(lambda: pairings.start(the(Instance, fresh)))
    assert len(set(answers)) == 1
    assert count(app, Pairing) == 1


def test_two_that_ask_for_events_first_have_one_beginning(app, shop, meet, twice):
    meet(event_feed, "next_id")
    first, second = twice(lambda: event_feed.want(the(Instance, shop)).oldest)
    assert first == second


def test_one_number_runs_in_one_of_two_instances_linked_at_once(app, bob, meet, twice):
    with app.app_context():
        attempts = []
        for _ in range(2):
            instance = factories.instance(bob)
            with transaction():
                attempts.append(pairings.start(the(Instance, instance)).id)
    meet(instances, "linked_elsewhere")
    free = iter(attempts)

    def finish() -> None:
        pairing = db.session.get_one(Pairing, next(free))
        pairings.finish(pairing, phone="15550001000", lid=None, device=1, push_name="Me")

    twice(finish)
    with app.app_context():
        found = sorted(db.session.scalars(select(Instance.state)))
    assert found == [InstanceState.CONNECTING, InstanceState.FAILED]


def test_one_lease_is_offered_to_one_of_two_hosts(app, shop, twice):
    hosts = iter(["hst_one", "hst_two"])
    barrier = threading.Barrier(2)

    def offer() -> bool:
        with suppress(threading.BrokenBarrierError):
            barrier.wait(_MEETING_SECONDS)
        return leases.offer(shop.id, next(hosts, "hst_two"))

    assert sorted(twice(offer)) == [False, True]


def test_two_that_wait_for_each_other_are_both_done(app, bob, twice):
    with app.app_context():
        rows = [factories.instance(bob), factories.instance(bob)]
    orders = iter([rows, rows[::-1]])
    barrier = threading.Barrier(2)

    def change() -> bool:
        first, second = next(orders, rows)
        hold(the(Instance, first))
        with suppress(threading.BrokenBarrierError):
            barrier.wait(_MEETING_SECONDS)
        hold(the(Instance, second))
        return True

    assert twice(change) == [True, True]


def test_who_is_beaten_every_time_is_told_of_a_conflict(app, bob):
    @again_when_beaten
    def take_the_same_address() -> None:
        with transaction() as session:
            values = {"email": bob.email, "password_hash": "", "role": "user"}
            now = utcnow()
            session.add(User(id=new_id("usr", now), created_at=now, **values))

    with app.app_context(), pytest.raises(Conflict):
        take_the_same_address()


def test_an_address_that_no_database_stores_is_refused_in_words(app, bob):
    answer = Browser(app.test_client()).sign_in(bob).get("/ui/instances/ins_%00")
    assert answer.status_code in {404, 422}


def test_what_two_count_at_once_is_counted_whole(app, app_context, bob) -> None:
    shops = [factories.instance(bob).id for _ in range(6)]
    now = utcnow()

    def count(order: list[str]) -> None:
        with app.app_context():
            for _ in range(10):
                with transaction():
                    for instance_id in order:
                        counting.count(counting.Counted("sent", now, instance_id))

    with ThreadPoolExecutor() as pool:
        list(pool.map(count, (shops, shops[::-1], shops)))  # a deadlock would raise

    query = select(USAGE.c.sent).where(USAGE.c.grain == "month")
    assert list(db.session.scalars(query)) == [30] * len(shops)
