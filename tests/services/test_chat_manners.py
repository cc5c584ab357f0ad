"""Chats that are archived, pinned, muted and marked unread, and the list that shows it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from app.clock import utcnow
from app.core.errors import Conflict, Invalid
from app.core.ids import new_id
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount
from app.models.chat import ALWAYS
from app.services import arrivals, chat_list, chat_manners, chats
from app.services.arrivals import Arrival
from app.services.chat_list import Place
from app.services.chat_manners import Quiet
from app.services.overview import summary_of
from app.transaction import transaction
from tests import factories
from tests.queries import plan_of


def do(act: Callable[..., None], chat: Chat, *more: Any) -> Chat:
    """The chat after the act."""
    with transaction() as session:
        act(session.get_one(Chat, chat.id), *more)
    return db.session.get_one(Chat, chat.id)


def arrive(chat: Chat, *, from_me: bool = False, is_news: bool = True) -> Chat:
    """The chat after a message."""
    with transaction() as session:
        there = session.get_one(Chat, chat.id)
        arrival = Arrival(
            new_id("wa", utcnow()), there, from_me, "text", "Hi", utcnow(), *[None] * 2, ""
        )
        arrivals.store(arrival, is_news=is_news)
    return db.session.get_one(Chat, chat.id)


def listed(instance: Instance, **how: Any) -> list[str]:
    return [chat.name for chat in chat_list.part_of(instance, limit=50, **how).chats]


def test_an_archived_chat_stands_in_the_archive_alone(linked: Instance, chat: Chat) -> None:
    do(chat_manners.archive, chat)
    assert (listed(linked), listed(linked, archived=True)) == ([], ["Anna"])
    assert listed(linked, archived=None) == ["Anna"]
    do(chat_manners.unarchive, chat)
    assert (listed(linked), listed(linked, archived=True)) == (["Anna"], [])


def test_a_message_that_arrives_takes_a_chat_out_of_the_archive(chat: Chat) -> None:
    do(chat_manners.archive, chat)
    assert arrive(chat).archived_at is None


@pytest.mark.parametrize("how", [{"from_me": True}, {"is_news": False}])
def test_what_we_write_and_what_is_old_leave_it_there(chat: Chat, how: dict[str, bool]) -> None:
    do(chat_manners.archive, chat)
    assert arrive(chat, **how).archived_at is not None


def test_a_muted_chat_stays_in_the_archive_until_it_is_not_muted_any_more(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(chat_manners.archive, chat)
    do(chat_manners.mute, chat, Quiet.HOURS.until)
    assert arrive(chat).archived_at is not None
    later = utcnow() + timedelta(hours=9)
    monkeypatch.setattr("app.models.chat.utcnow", lambda: later)
    assert arrive(chat).archived_at is None


def test_pinned_chats_stand_before_all_others_by_their_newest_message(
    linked: Instance, account: LinkedAccount
) -> None:
    now = utcnow()
    made = {
        name: factories.chat(account, name=name, last_at=now - timedelta(minutes=age))
        for age, name in enumerate("ABCD")
    }
    for name in "DC":
        do(chat_manners.pin, made[name])
    assert listed(linked) == list("CDAB")
    do(chat_manners.unpin, made["C"])
    assert listed(linked) == list("DABC")


def test_three_chats_can_be_pinned_and_an_unpinned_one_makes_room(account: LinkedAccount) -> None:
    made = [factories.chat(account) for _ in range(4)]
    for chat in made[:3]:
        do(chat_manners.pin, chat)
    do(chat_manners.pin, made[2])  # it is already
    with pytest.raises(Conflict) as error:
        do(chat_manners.pin, made[3])
    assert error.value.code == "too_many_pinned"
    do(chat_manners.unpin, made[0])
    assert do(chat_manners.pin, made[3]).pinned_at


def test_a_chat_is_either_pinned_or_in_the_archive(chat: Chat) -> None:
    do(chat_manners.pin, chat)
    archived = do(chat_manners.archive, chat)
    assert (archived.pinned_at, bool(archived.archived_at)) == (None, True)
    pinned = do(chat_manners.pin, chat)
    assert (bool(pinned.pinned_at), pinned.archived_at) == (True, None)


def test_a_chat_is_muted_for_a_while_or_for_good(chat: Chat) -> None:
    assert do(chat_manners.mute, chat, Quiet.WEEK.until).is_muted
    assert do(chat_manners.mute, chat, Quiet.ALWAYS.until).muted_until == ALWAYS
    assert do(chat_manners.mute, chat, ALWAYS + timedelta(days=1)).muted_until == ALWAYS
    assert not do(chat_manners.unmute, chat).is_muted
    with pytest.raises(Invalid):
        do(chat_manners.mute, chat, utcnow())


def test_a_mark_stands_among_the_unread_until_the_chat_is_read(
    linked: Instance, chat: Chat
) -> None:
    do(chat_manners.mark_unread, chat)
    assert listed(linked, unread=True) == ["Anna"]
    do(chats.mark_read, chat)
    assert listed(linked, unread=True) == []
    arrive(chat)
    assert do(chat_manners.mark_read, chat).unread == 0
    assert listed(linked, unread=True) == []


def test_chats_that_are_muted_or_archived_do_not_count_for_the_instance(
    linked: Instance, account: LinkedAccount
) -> None:
    factories.chat(account, unread=1)
    factories.chat(account, unread=2, muted_until=utcnow() - timedelta(minutes=1))
    factories.chat(account, unread=4, muted_until=ALWAYS)
    factories.chat(account, unread=8, archived_at=utcnow())
    assert summary_of(linked).unread == 3


def test_two_chats_that_become_one_keep_what_was_wanted_of_either(account: LinkedAccount) -> None:
    factories.chat(account, lid="42", phone=None, archived_at=utcnow(), muted_until=ALWAYS)
    factories.chat(account, lid=None, phone="42", pinned_at=utcnow(), marked_unread=True)
    with transaction() as session:
        chat = chats.person(session.get_one(LinkedAccount, account.id), phone="42", lid="42")
    assert (chat.archived_at, bool(chat.pinned_at)) == (None, True)
    assert (chat.muted_until, chat.marked_unread) == (ALWAYS, True)


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_the_list_comes_in_parts_of_any_size_without_a_gap_or_a_repetition(
    linked: Instance, account: LinkedAccount, limit: int
) -> None:
    now = utcnow()
    for number in range(9):
        pinned = now if number in (4, 8) else None
        at = now - timedelta(minutes=number // 2)  # two at a time
        factories.chat(account, name=str(number), last_at=at, pinned_at=pinned)
    found: list[Chat] = []
    more, behind = True, None
    while more:
        part = chat_list.part_of(linked, behind=behind, limit=limit)
        found += part.chats
        more, behind = part.more, Place.read(str(Place.of(found[-1])))
    assert len({chat.id for chat in found}) == len(found) == 9
    assert [chat.name for chat in found[:2]] == ["4", "8"]
    places = [str(Place.of(chat)) for chat in found]
    assert places == sorted(places, reverse=True)  # the order of the page's script


@pytest.mark.parametrize(
    "written", ["", "1", "2" + "0" * 17 + "~cht_1", "0~cht_1", "1" * 18 + "~\0"]
)
def test_what_is_no_place_is_none(written: str) -> None:
    assert Place.read(written) is None


WALKS = [
    ({}, {"ix_chats_pinned", "ix_chats_listed"}),
    ({"behind": True}, {"ix_chats_listed"}),
    ({"unread": True, "behind": True}, {"ix_chats_waiting"}),
    ({"archived": True}, {"ix_chats_archived"}),
    ({"archived": None}, {"ix_chats_pinned", "ix_chats_account_last"}),
]


@pytest.mark.parametrize(("how", "indexes"), WALKS)
def test_the_list_walks_an_index_however_many_chats_there_are(
    linked: Instance, account: LinkedAccount, how: dict[str, Any], indexes: set[str]
) -> None:
    many_chats(account)
    behind = {"behind": Place(False, utcnow() - timedelta(minutes=900), "cht_")}
    plan = plan_of(
        lambda: chat_list.part_of(linked, limit=30, **how | (behind if "behind" in how else {})),
        "FROM chats",
    )
    assert all(index in plan for index in indexes), plan
    assert "SCAN chats" not in plan and "Seq Scan on chats" not in plan, plan


def many_chats(account: LinkedAccount) -> None:
    now = utcnow()
    shared = {"instance_id": account.instance_id, "account_id": account.id, "name": "x"}
    rows = [
        {
            "id": new_id("cht", now),
            "phone": f"7916{number:07}",
            "kind": "person",
            "last_at": now - timedelta(minutes=number),
            "created_at": now,
            "unread": int(number % 50 == 1),
            "archived_at": now if number % 3 == 0 else None,
            "pinned_at": now if number in (100, 1000) else None,
        }
        for number in range(2000)
    ]
    with transaction() as session:
        session.execute(insert(Chat), [shared | row for row in rows])
        session.execute(text("ANALYZE chats"))
