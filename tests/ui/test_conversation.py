"""A conversation that is read: opened, scrolled, polled, and written to more than once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bs4 import Tag
from flask import Flask
from sqlalchemy import func, select, update

from app.clock import utcnow
from app.core.details import Card, Place, Poll, Said, as_data, kind_of, text_of
from app.core.states import InstanceState, MessageStatus
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount, Message, User
from app.models.message import OUTGOING
from app.services import amendments, chats, messaging, progress, queue
from app.services.amendments import Author
from app.transaction import transaction
from app.ui import conversation
from tests import factories
from tests.queries import selects
from tests.ui.browser import Browser, only, soup, words

KEY = "0123456789abcdef" * 2


@pytest.fixture
def maria(app: Flask, shop: Instance) -> Chat:
    """A chat with Maria of a shop that is connected."""
    with app.app_context():
        with transaction() as session:
            session.get_one(Instance, shop.id).state = InstanceState.CONNECTED
        return factories.chat(factories.linked_account(shop), name="Мария", phone="79167654321")


def path_of(chat: Chat, rest: str = "") -> str:
    return f"/ui/instances/{chat.instance_id}/chat/{chat.id}{rest}"


def fill(app: Flask, chat: Chat, count: int, start: datetime | None = None) -> list[str]:
    """The ids of `count` messages, a minute apart, long enough ago to be no news."""
    start = start or utcnow() - timedelta(minutes=count)
    with app.app_context():
        ids = [
            factories.message(
                chat,
                body=str(number),
                shown_at=start + timedelta(minutes=number),
                changed_at=start,
            ).id
            for number in range(count)
        ]
        return ids


def bodies(answer: Any) -> list[str]:
    return [found.get_text() for found in soup(answer).select("[data-place] .bubble-text")]


def numbers(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last)]


def poll_of(answer: Any) -> str:
    return str(only(answer, "#news")["hx-get"])


@contextmanager
def asked(app: Flask) -> Iterator[list[str]]:
    with app.app_context(), selects() as statements:
        yield statements


def test_older_messages_come_page_by_page_until_the_first(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    fill(app, maria, 100)
    page = bobs.get(path_of(maria))
    assert bodies(page) == numbers(60, 100)
    second = bobs.fragment(str(only(page, ".more-before .more-reach")["hx-get"]))
    assert bodies(second) == numbers(20, 60)
    third = bobs.fragment(str(only(second, ".more-before .more-reach")["hx-get"]))
    assert bodies(third) == numbers(0, 20)
    assert not soup(third).select(".more")


def test_the_way_to_older_messages_works_without_scripts(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    fill(app, maria, 60)
    older = bobs.get(str(only(bobs.get(path_of(maria)), ".more-before a")["href"]))
    assert bodies(older) == numbers(0, 20)
    newer = bobs.get(str(only(older, ".more-after a")["href"]))
    assert bodies(newer) == numbers(20, 60)


def test_a_conversation_takes_as_many_queries_however_long_it_is(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    counts = []
    bobs.get(path_of(maria))  # the first look wishes for a picture
    for count in (3, 100):
        fill(app, maria, count, start=utcnow() - timedelta(days=count))
        with asked(app) as statements:
            page = bobs.get(path_of(maria))
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 14
    with asked(app) as statements:
        bobs.fragment(str(only(page, ".more-before .more-reach")["hx-get"]))
    assert len(statements) <= 8


def test_a_poll_without_news_asks_the_database_nothing(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    fill(app, maria, 60)
    poll = poll_of(bobs.get(path_of(maria)))
    with asked(app) as statements:
        assert bobs.fragment(poll).status_code == 204
    assert statements == []


def test_a_poll_brings_what_is_new_and_what_changed_and_nothing_else(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    ids = fill(app, maria, 60)
    poll = poll_of(bobs.get(path_of(maria)))
    with app.app_context(), transaction() as session:
        session.get_one(Message, ids[3]).body = "changed"
        messaging.queue_text_in(
            session.get_one(Instance, maria.instance_id),
            session.get_one(Chat, maria.id),
            text="new",
            source="api",
        )
    with asked(app) as statements:
        answer = bobs.fragment(poll)
    assert sorted(bodies(answer)) == ["changed", "new"]
    assert len(statements) <= 8
    assert bobs.fragment(poll_of(answer)).status_code == 204


def test_more_news_than_one_answer_holds_come_with_the_next_polls(
    app: Flask, bobs: Browser, maria: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "NEWS_LENGTH", 4)
    ids = fill(app, maria, 10)
    poll = poll_of(bobs.get(path_of(maria)))
    with app.app_context(), transaction() as session:
        session.execute(update(Message).values(changed_at=utcnow()))
        progress.advance(
            session.get_one(Message, ids[0]), {MessageStatus.RECEIVED}, MessageStatus.RECEIVED
        )
    seen: list[str] = []
    for _ in range(3):
        answer = bobs.fragment(poll)
        seen += bodies(answer)
        poll = poll_of(answer)
    assert set(seen) == set(numbers(0, 10))
    assert bobs.fragment(poll).status_code == 204


def test_each_day_is_named_once_and_messages_of_one_person_stand_together(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    noon = utcnow().replace(hour=12) - timedelta(days=3)
    for day, minute in ((0, 0), (0, 1), (1, 0), (1, 10)):
        with app.app_context():
            at = noon + timedelta(days=day, minutes=minute)
            factories.message(maria, shown_at=at, sender_lid="1")
    page = bobs.get(path_of(maria))
    lines = soup(page).select("#bubbles > li")
    kinds = [
        "day"
        if "day" in line["class"]
        else "joined"
        if "bubble-joined" in line["class"]
        else "bubble"
        for line in lines
    ]
    assert kinds == ["day", "bubble", "joined", "day", "bubble", "bubble"]


def test_the_line_of_unread_messages_stands_before_the_first_of_them(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    fill(app, maria, 5)
    with app.app_context(), transaction() as session:
        session.get_one(Chat, maria.id).unread = 2
    page = bobs.get(path_of(maria))
    following = only(page, "#unread").find_next_sibling("li")
    assert following is not None
    assert following.select_one(".bubble-text").get_text() == "3"  # type: ignore[union-attr]
    assert not soup(bobs.get(path_of(maria))).select("#unread")


def test_a_chat_with_many_unread_messages_opens_where_they_begin(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    fill(app, maria, 150)
    with app.app_context(), transaction() as session:
        session.get_one(Chat, maria.id).unread = 100
    page = bobs.get(path_of(maria))
    assert bodies(page) == numbers(30, 70)
    assert only(page, "#unread") and only(page, ".more-after") and only(page, ".more-before")
    assert not only(page, "#newest").has_attr("hidden")


def test_a_conversation_opens_at_a_message_that_is_asked_for(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    ids = fill(app, maria, 150)
    page = bobs.get(path_of(maria, f"?at={ids[50]}"))
    assert bodies(page) == numbers(30, 70)
    assert words(page, ".bubble-target .bubble-text") == "50"


def test_texts_are_shown_with_whatsapps_marks_and_nothing_else(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    with app.app_context():
        factories.message(maria, body="*Да*, <b>нет</b>")
    text = only(bobs.get(path_of(maria)), ".bubble-text")
    assert text.decode_contents() == "<strong>Да</strong>, &lt;b&gt;нет&lt;/b&gt;"


def shown(app: Flask, bobs: Browser, chat: Chat, said: Said) -> Tag:
    """What the only bubble of `chat` shows of what came."""
    with app.app_context():
        kind, data = kind_of(said), as_data(said)
        factories.message(chat, kind=kind, body=text_of(said), details=data)
    return only(bobs.get(path_of(chat)), ".details")


def test_a_place_is_shown_with_its_point_and_a_way_to_the_map(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    bubble = shown(app, bobs, maria, Place(55.75, 37.62, "<b>Shop</b>", "Square"))
    assert " ".join(bubble.get_text(" ").split()) == (
        "<b>Shop</b> Square 55.750000, 37.620000 Показать на карте"
    )
    assert "mlat=55.75&mlon=37.62" in bubble.a["href"]  # type: ignore[index]
    assert not bubble.select("img")


def test_contact_cards_are_shown_with_numbers_that_can_be_written_to(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    bubble = shown(app, bobs, maria, [Card("Вера", ("79161234567", "нет")), Card("<i>", ())])
    assert " ".join(bubble.get_text(" ").split()) == "Вера +7 916 123-45-67 Написать нет <i>"
    assert bubble.select_one("[name=to]")["value"] == "+79161234567"  # type: ignore[index]


def test_a_poll_is_shown_with_its_answers(app: Flask, bobs: Browser, maria: Chat) -> None:
    bubble = shown(app, bobs, maria, Poll("Когда?", ("Сегодня", "<b>Завтра</b>"), 1))
    answers = bubble.select(".poll-answer")
    assert [one.get_text() for one in answers] == ["Сегодня", "<b>Завтра</b>"]
    assert "Можно выбрать один ответ." in bubble.get_text()


@contextmanager
def written(app: Flask, chat: Chat, **values: Any) -> Iterator[Message]:
    """A message of `chat`, to be changed."""
    with app.app_context():
        message = factories.message(chat, **values)
        with transaction() as session:
            yield session.get_one(Message, message.id)


def test_reactions_stand_under_their_message_with_who_put_them(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    with written(app, maria) as message:
        for author, emoji in (
            (Author(from_me=False, lid="77", name="<b>Мария</b>"), "👍"),
            (Author(from_me=True), "👍"),
            (Author(from_me=False, lid="78", phone="79161234567"), "❤️"),
        ):
            amendments.react(message, author, emoji, utcnow(), is_news=False)
    drawn = only(bobs.get(path_of(maria)), ".reactions").select("li")
    titles = sorted(str(one["title"]).replace("\N{NO-BREAK SPACE}", " ") for one in drawn)
    assert titles == ["+7 916 123-45-67", "<b>Мария</b>, Вы"]
    assert {one.get_text(" ", strip=True).split()[0] for one in drawn} == {"👍", "❤️"}


def test_an_edited_message_says_so_and_what_it_said_before(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    with written(app, maria, body="В <i>пять</i>") as message:
        amendments.edit(message, Author(from_me=False), "В семь", utcnow(), is_news=False)
    page = bobs.get(path_of(maria))
    assert words(page, ".edited") == "изменено"
    assert only(page, ".edited")["popovertarget"] == only(page, ".former")["id"]
    assert words(page, ".former .bubble-text") == "В <i>пять</i>"


def test_a_deleted_message_leaves_its_place_and_a_word(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    with written(app, maria, body="Секрет") as message:
        amendments.remove(message, Author(from_me=False), utcnow(), is_news=False)
    page = bobs.get(path_of(maria))
    assert words(page, ".bubble-text") == "Сообщение удалено"
    assert "Секрет" not in page.text
    assert not soup(page).select("[data-reply]")


def test_a_text_that_is_handed_over_twice_is_one_message(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    for _ in range(2):
        answer = bobs.act(path_of(maria, "/messages"), {"text": "Один раз", "key": KEY})
        assert bodies(answer) == ["Один раз"]
    assert only(answer, "[data-place]")["data-key"] == KEY
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Message)) == 1


@pytest.mark.parametrize("since", ["", "nonsense", "9" * 40, "-1~x"])
def test_a_page_that_asks_strangely_is_answered(
    app: Flask, bobs: Browser, maria: Chat, since: str
) -> None:
    fill(app, maria, 2)
    assert bobs.fragment(path_of(maria, f"/messages?since={since}")).status_code == 200


def test_a_message_of_a_program_shows_no_key(app: Flask, bobs: Browser, maria: Chat) -> None:
    with app.app_context():
        factories.message(maria, direction=OUTGOING, idempotency_key="order-7", status="sent")
    assert not only(bobs.get(path_of(maria)), ".bubble[data-place]").has_attr("data-key")


def test_a_text_is_scheduled_in_the_readers_own_time(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    bobs.client.set_cookie("timezone", "Europe/Moscow")
    local = datetime.now(ZoneInfo("Europe/Moscow")) + timedelta(days=1)
    chosen = local.strftime("%Y-%m-%dT%H:%M")
    answer = bobs.act(
        path_of(maria, "/messages"), {"text": "Завтра", "send_at": chosen, "ttl": "3600"}
    )
    assert "Будет отправлено" in words(answer, ".bubble-why")
    with app.app_context():
        message = db.session.scalars(select(Message)).one()
        assert message.send_at == local.replace(second=0, microsecond=0)
        assert message.expires_at == message.send_at + timedelta(hours=1)


@pytest.mark.parametrize(
    ("values", "why"),
    [({"send_at": "завтра"}, "Это не время."), ({"send_at": "2020-01-01T10:00"}, "уже прошло")],
)
def test_a_time_that_makes_no_sense_is_told(
    bobs: Browser, maria: Chat, values: dict[str, str], why: str
) -> None:
    answer = bobs.act(path_of(maria, "/messages"), {"text": "Завтра", **values})
    assert answer.status_code == 422
    assert why in words(answer, "[role=alert]")


def test_a_conversation_says_that_the_queue_is_paused(
    app: Flask, bobs: Browser, bob: User, maria: Chat
) -> None:
    with app.app_context(), transaction() as session:
        queue.pause(session.get_one(Instance, maria.instance_id), actor=bob)
    assert "Очередь приостановлена" in words(bobs.get(path_of(maria)), ".waiting")


def test_a_message_is_answered_without_a_script_and_shown_with_what_it_answers(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    with app.app_context():
        asked = factories.message(maria, body="Есть <b>пионы</b>?")
    page = bobs.get(path_of(maria, f"?reply={asked.id}"))
    assert words(page, "#replying .quote-text") == "Есть <b>пионы</b>?"

    bobs.post(path_of(maria, "/messages"), data={"text": "Есть", "reply_to": asked.id})

    page = bobs.get(path_of(maria))
    quote = only(page, ".bubble-out .quote")
    assert quote.select_one(".quote-author").get_text() == "Мария"
    assert quote.select_one(".quote-text").get_text(strip=True) == "Есть <b>пионы</b>?"
    assert quote["href"].endswith(f"?at={asked.id}")


def test_a_group_takes_as_many_queries_however_many_write_in_it(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    with app.app_context(), transaction() as session:
        account = session.get_one(LinkedAccount, maria.account_id)
        group = chats.group(account, "120363041234567890", name="Couriers")
        group.our_role, group.group_known_at = "member", utcnow()
        session.flush()
        session.expunge(group)
    counts = []
    for number in (2, 30):
        with app.app_context():
            for one in range(number):
                who = {"sender_lid": f"90000{one}", "sender_phone": None, "sender_name": ""}
                factories.message(group, body="@900001", mentions=[[None, "900001"]], **who)
        bobs.get(path_of(group))  # the first look wishes for pictures
        with asked(app) as statements:
            bobs.get(path_of(group))
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 20, statements
