"""What the phone is still to be told of how chats are kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.clock import utcnow
from app.core.chat_settings import ALWAYS, Aspect, LastMessage
from app.extensions import db
from app.models import Chat, ChatWish, Instance, LinkedAccount, PhoneSettings
from app.services import chat_manners, chat_wishes, chats, reading
from app.services.chat_manners import Quiet
from app.services.chat_wishes import Wish
from app.transaction import transaction
from tests import factories


def trouble(chat: Chat) -> str | None:
    """Why the phone was not told."""
    return db.session.get_one(Chat, chat.id).phone_trouble


def do(act: Callable[..., object], chat: Chat, *more: Any) -> None:
    with transaction() as session:
        act(session.get_one(Chat, chat.id), *more)


def wanted() -> dict[str, bool]:
    """By aspect, in the order of the telling."""
    query = select(ChatWish).order_by(ChatWish.due_at, ChatWish.id)
    return {wish.aspect: wish.wanted for wish in db.session.scalars(query)}


def next_of(chat: Chat) -> Wish:
    wish = chat_wishes.next_wish(chat.account_id)
    assert wish is not None
    return wish


def tell(chat: Chat) -> Wish:
    wish = next_of(chat)
    with transaction():
        chat_wishes.told(wish)
    return wish


ACTS = [
    (chat_manners.archive, {"archived": True}),
    (chat_manners.pin, {"pinned": True}),
    (chat_manners.mark_unread, {"unread": True}),
]


@pytest.mark.parametrize(("act", "told"), ACTS)
def test_whoever_keeps_a_chat_otherwise_wants_the_phone_to(
    chat: Chat, act: Callable[[Chat], None], told: dict[str, bool]
) -> None:
    do(act, chat)
    assert wanted() == told


def test_what_was_so_already_is_not_told(chat: Chat) -> None:
    for act in (chat_manners.unarchive, chat_manners.unpin, chat_manners.unmute):
        do(act, chat)
    assert wanted() == {}


def test_the_newest_wish_takes_the_place_of_the_one_before(chat: Chat) -> None:
    do(chat_manners.mute, chat, Quiet.WEEK.until)
    first = next_of(chat)
    do(chat_manners.mute, chat, ALWAYS)
    with transaction():
        chat_wishes.told(first)  # meanwhile the first was on its way
    left = next_of(chat)
    assert (left.until, left.wanted, wanted()) == (ALWAYS, True, {"muted": True})


def test_archiving_takes_back_the_wish_to_pin(chat: Chat) -> None:
    do(chat_manners.pin, chat)
    do(chat_manners.archive, chat)
    assert wanted() == {"archived": True}


def test_pinning_takes_the_chat_out_of_the_phones_archive_first(chat: Chat) -> None:
    do(chat_manners.archive, chat)
    tell(chat)
    with transaction() as session:  # something arrived, and took it out here
        session.get_one(Chat, chat.id).archived_at = None
    do(chat_manners.pin, chat)
    assert list(wanted().items()) == [("archived", False), ("pinned", True)]


def test_what_arrives_takes_back_the_wish_to_archive(chat: Chat) -> None:
    do(chat_manners.archive, chat)
    with transaction() as session:
        chats.touch(session.get_one(Chat, chat.id), text="Hi", at=utcnow(), unread=1)
    assert wanted() == {}


def test_a_mute_that_ran_out_while_it_waited_is_none(chat: Chat) -> None:
    do(chat_manners.mute, chat, Quiet.HOURS.until)
    with transaction() as session:
        session.execute(update(ChatWish).values(until=utcnow() - timedelta(minutes=1)))
    assert not next_of(chat).wanted


def test_opening_a_chat_takes_the_mark_off_on_the_phone_too(linked: Instance, chat: Chat) -> None:
    do(chat_manners.mark_unread, chat)
    tell(chat)
    with transaction() as session:
        reading.opened(session.get_one(Instance, linked.id), session.get_one(Chat, chat.id))
    assert wanted() == {"unread": False}


def test_opening_a_chat_without_a_mark_tells_the_phone_nothing(
    linked: Instance, chat: Chat
) -> None:
    with transaction() as session:
        session.get_one(Chat, chat.id).unread = 3
        reading.opened(session.get_one(Instance, linked.id), session.get_one(Chat, chat.id))
    assert wanted() == {}


def test_the_newest_message_goes_along(chat: Chat) -> None:
    at = utcnow().replace(microsecond=0)
    factories.message(chat, direction="in", wa_id="A1", shown_at=at - timedelta(minutes=1))
    factories.message(chat, direction="out", wa_id="B2", shown_at=at)
    do(chat_manners.archive, chat)
    assert next_of(chat).last == LastMessage("B2", True, at)


def test_the_phones_own_name_of_a_chat_is_used(chat: Chat) -> None:
    do(chat_manners.archive, chat)
    assert next_of(chat).jid == "79161234567@s.whatsapp.net"
    with transaction() as session:
        session.add(PhoneSettings(chat_id=chat.id, jid="200000000001@lid"))
    assert next_of(chat).jid == "200000000001@lid"


def test_a_chat_of_a_number_that_is_linked_no_more_tells_nobody(
    linked: Instance, chat: Chat
) -> None:
    factories.linked_account(linked, phone="79160000002", lid="100000000002")
    do(chat_manners.archive, chat)
    assert wanted() == {}


def test_without_a_connection_it_is_told_later_and_costs_no_try(chat: Chat) -> None:
    do(chat_manners.pin, chat)
    with transaction():
        chat_wishes.put_off(next_of(chat))
    assert chat_wishes.next_wish(chat.account_id) is None
    assert db.session.scalars(select(ChatWish)).one().tries == 0


def test_what_is_not_taken_is_given_up_after_some_tries_and_says_why(chat: Chat) -> None:
    do(chat_manners.pin, chat)
    for _ in range(chat_wishes.TRIES):
        assert trouble(chat) is None
        with transaction() as session:
            session.execute(update(ChatWish).values(due_at=utcnow()))
        wish = next_of(chat)
        with transaction():
            chat_wishes.not_taken(wish, "app_state_not_taken", for_good=False)
    assert trouble(chat) == "app_state_not_taken"
    assert chat_wishes.next_wish(chat.account_id) is None
    assert db.session.get_one(Chat, chat.id).pinned_at is not None


def test_a_refusal_for_good_is_not_tried_again_until_somebody_wants_it_anew(chat: Chat) -> None:
    do(chat_manners.pin, chat)
    wish = next_of(chat)
    with transaction():
        chat_wishes.not_taken(wish, "app_state_refused", for_good=True)
    assert chat_wishes.next_wish(chat.account_id) is None
    do(chat_manners.unpin, chat)
    assert (next_of(chat).wanted, trouble(chat)) == (False, None)


def test_two_chats_that_become_one_keep_the_newer_wish(account: LinkedAccount) -> None:
    by_phone = factories.chat(account, phone="79161112233", lid=None)
    by_lid = factories.chat(account, phone=None, lid="200000000009")
    do(chat_manners.mute, by_phone, ALWAYS)
    do(chat_manners.mute, by_lid, Quiet.WEEK.until)
    do(chat_manners.mark_unread, by_lid)
    with transaction() as session:
        there = session.get_one(LinkedAccount, account.id)
        one = chats.person(there, phone="79161112233", lid="200000000009")
    wishes = db.session.scalars(select(ChatWish)).all()
    assert {wish.aspect: wish.chat_id for wish in wishes} == {
        Aspect.MUTED: one.id,
        Aspect.UNREAD: one.id,
    }
    assert next(w for w in wishes if w.aspect == Aspect.MUTED).until != ALWAYS
