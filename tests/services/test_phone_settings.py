"""How the phone keeps its chats, made true here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.clock import utcnow
from app.core.chat_settings import ALWAYS, Aspect, ChatSettings
from app.extensions import db
from app.jobs import chats as chat_jobs
from app.models import Chat, LinkedAccount
from app.services import chat_manners, chat_wishes, chats, phone_settings
from app.transaction import transaction
from tests import factories

PHONE, LID = "79161234567@s.whatsapp.net", "200000000001@lid"


def hear(account: LinkedAccount, *told: ChatSettings) -> bool:
    """Takes over what is told; whether all of it is known here."""
    changed, strange = phone_settings.news(account.id, told)
    with transaction() as session:
        phone_settings.learn(session.get_one(LinkedAccount, account.id), changed)
    return not strange


def on_the_phone(jid: str = PHONE, **how: Any) -> ChatSettings:
    return ChatSettings(jid, **how)


def kept(chat: Chat) -> tuple[bool, bool, datetime | None]:
    now = db.session.get_one(Chat, chat.id)
    return now.archived_at is not None, now.pinned_at is not None, now.muted_until


def trouble(chat: Chat) -> str | None:
    """Why the phone was not told."""
    return db.session.get_one(Chat, chat.id).phone_trouble


def do(act: Callable[..., object], chat: Chat, *more: Any) -> None:
    with transaction() as session:
        act(session.get_one(Chat, chat.id), *more)


def tell(chat: Chat) -> None:
    wish = chat_wishes.next_wish(chat.account_id)
    assert wish is not None
    with transaction():
        chat_wishes.told(wish)


@pytest.mark.parametrize("jid", [PHONE, LID])
def test_what_the_phone_changes_is_so_here(account: LinkedAccount, chat: Chat, jid: str) -> None:
    hear(account, on_the_phone(jid, archived=True, muted_until=ALWAYS))
    assert kept(chat) == (True, False, ALWAYS)
    hear(account, on_the_phone(jid, pinned=True))
    assert kept(chat) == (False, True, None)


def test_a_group_is_known_by_its_own_name(account: LinkedAccount) -> None:
    group = factories.chat(account, kind="group", group_id="12036300", phone=None, lid=None)
    hear(account, on_the_phone("12036300@g.us", pinned=True))
    assert kept(group) == (False, True, None)


def test_only_what_the_phone_changes_counts(account: LinkedAccount, chat: Chat) -> None:
    with transaction() as session:  # archived here, in a time when phones were not told
        session.get_one(Chat, chat.id).archived_at = utcnow()
    hear(account, on_the_phone(muted_until=ALWAYS))
    assert kept(chat) == (True, False, ALWAYS)


def test_what_was_heard_before_is_no_news(account: LinkedAccount, chat: Chat) -> None:
    told = on_the_phone(archived=True)
    hear(account, told)
    with transaction() as session:
        chats.touch(session.get_one(Chat, chat.id), text="Hi", at=utcnow(), unread=1)
    hear(account, told)
    assert kept(chat) == (False, False, None)


def test_a_wish_that_is_not_told_yet_counts_more_than_the_phone(
    account: LinkedAccount, chat: Chat
) -> None:
    hear(account, on_the_phone(muted_until=ALWAYS))
    do(chat_manners.mute, chat, ALWAYS - timedelta(days=1))
    hear(account, on_the_phone(pinned=True))
    assert kept(chat) == (False, True, ALWAYS - timedelta(days=1))


def test_a_chat_that_is_to_be_pinned_is_not_archived_by_the_phone(
    account: LinkedAccount, chat: Chat
) -> None:
    do(chat_manners.pin, chat)
    hear(account, on_the_phone(archived=True))
    assert kept(chat) == (False, True, None)
    tell(chat)
    wish = chat_wishes.next_wish(account.id)
    assert wish is not None
    assert (wish.aspect, wish.wanted) == (Aspect.ARCHIVED, False)


def test_a_chat_that_is_to_be_archived_is_not_pinned_by_the_phone(
    account: LinkedAccount, chat: Chat
) -> None:
    do(chat_manners.archive, chat)
    hear(account, on_the_phone(pinned=True))
    assert kept(chat) == (True, False, None)


def test_afterwards_the_phone_rules(account: LinkedAccount, chat: Chat) -> None:
    do(chat_manners.archive, chat)
    tell(chat)
    hear(account, on_the_phone(archived=False))
    assert kept(chat) == (False, False, None)


def test_the_echo_of_what_was_told_is_no_news(account: LinkedAccount, chat: Chat) -> None:
    do(chat_manners.archive, chat)
    tell(chat)
    with transaction() as session:
        chats.touch(session.get_one(Chat, chat.id), text="Hi", at=utcnow(), unread=1)
    hear(account, on_the_phone(archived=True))
    assert kept(chat) == (False, False, None)


def test_news_of_the_phone_end_a_wish_that_was_refused(account: LinkedAccount, chat: Chat) -> None:
    do(chat_manners.archive, chat)
    wish = chat_wishes.next_wish(account.id)
    assert wish is not None
    with transaction():
        chat_wishes.not_taken(wish, "app_state_refused", for_good=True)
    hear(account, on_the_phone(archived=True))
    assert (kept(chat)[0], trouble(chat)) == (True, None)


def test_the_address_that_changed_last_counts(account: LinkedAccount, chat: Chat) -> None:
    hear(account, on_the_phone(PHONE, archived=True), on_the_phone(LID))
    assert kept(chat)[0]
    hear(account, on_the_phone(PHONE, archived=True), on_the_phone(LID, muted_until=ALWAYS))
    assert kept(chat) == (True, False, ALWAYS)
    hear(account, on_the_phone(PHONE), on_the_phone(LID, muted_until=ALWAYS))
    assert kept(chat) == (False, False, ALWAYS)


def test_a_chat_that_comes_later_is_kept_as_the_phone_keeps_it(account: LinkedAccount) -> None:
    told = on_the_phone("79165550000@s.whatsapp.net", pinned=True)
    assert hear(account, told) is False
    late = factories.chat(account, phone="79165550000")
    assert hear(account, told) is True
    assert kept(late) == (False, True, None)


def test_somebody_elses_chat_of_the_same_number_is_left_alone(
    account: LinkedAccount, chat: Chat, bob: Any
) -> None:
    other = factories.linked_account(factories.instance(bob, name="Other"), phone="79160000009")
    theirs = factories.chat(other, phone="79161234567", lid="200000000001")
    hear(account, on_the_phone(archived=True))
    assert (kept(chat)[0], kept(theirs)[0]) == (True, False)


def test_a_mute_that_ran_out_is_no_news(account: LinkedAccount, chat: Chat) -> None:
    over = utcnow() - timedelta(minutes=1)
    changed, _ = phone_settings.news(account.id, [on_the_phone(muted_until=over)])
    assert changed == []


def test_a_mute_that_runs_out_moves_the_lists(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    do(chat_manners.mute, chat, utcnow() + timedelta(hours=8))
    chat_jobs.let_mutes_run_out()
    assert kept(chat)[2] is not None
    moved: list[str] = []
    monkeypatch.setattr("app.bell.changed", lambda *topics: moved.extend(topics))
    monkeypatch.setattr("app.services.phone_settings.utcnow", lambda: utcnow() + timedelta(hours=9))
    chat_jobs.let_mutes_run_out()
    assert kept(chat)[2] is None
    assert f"chats:{chat.instance_id}" in moved
