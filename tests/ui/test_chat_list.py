"""The list of chats: its parts, its poll, its search."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.clock import utcnow
from app.core.media import FileFacts, MediaKind
from app.extensions import db
from app.models import Chat, LinkedAccount
from app.services import arrivals, chats
from app.services.arrivals import Arrival
from app.services.media import ArrivedFile
from app.transaction import transaction
from app.ui import chat as chat_pages
from tests import factories
from tests.queries import selects
from tests.ui.browser import Browser, only, soup, words


def fill(app: Flask, account: LinkedAccount, count: int, **values: Any) -> list[str]:
    """The ids of chats that were changed long ago, the newest first."""
    start = utcnow() - timedelta(days=1)
    with app.app_context():
        made = [
            factories.chat(
                account,
                name=f"Чат {number:03}",
                last_text="…",
                last_at=start - timedelta(minutes=number),
                changed_at=start,
                **values,
            )
            for number in range(count)
        ]
        return [chat.id for chat in made]


def path_of(account: LinkedAccount, rest: str = "") -> str:
    return f"/ui/instances/{account.instance_id}/chat{rest}"


def names(answer: Any, within: str = ".chat-item") -> list[str]:
    return [one.get_text() for one in soup(answer).select(f"{within} .chat-line-name")]


def chat_names(first: int, last: int) -> list[str]:
    return [f"Чат {number:03}" for number in range(first, last)]


def test_the_list_comes_in_parts_and_takes_as_many_queries_however_long_it_is(
    app: Flask, bobs: Browser, account: LinkedAccount
) -> None:
    counts = []
    for count in (2, 70):
        fill(app, account, count)
        with app.app_context(), selects() as statements:
            page = bobs.get(path_of(account))
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 6
    second = bobs.fragment(str(only(page, ".more-lines .more-reach")["hx-get"]))
    third = bobs.fragment(str(only(second, ".more-lines .more-reach")["hx-get"]))
    everything = names(page) + names(second) + names(third)
    assert len(everything) == len(set(everything)) + 2 == 72  # two names are there twice
    assert not soup(third).select(".more")


def test_the_list_goes_on_without_scripts(
    app: Flask, bobs: Browser, account: LinkedAccount
) -> None:
    fill(app, account, 60)
    page = bobs.get(path_of(account))
    assert names(page) == chat_names(0, 30)
    assert names(bobs.get(str(only(page, ".more-lines a")["href"]))) == chat_names(30, 60)


def test_a_poll_of_the_list_brings_the_changed_lines_alone_and_else_asks_nothing(
    app: Flask, bobs: Browser, account: LinkedAccount
) -> None:
    ids = fill(app, account, 60)
    poll = str(only(bobs.get(path_of(account)), "#lines-news")["hx-get"])
    with app.app_context(), selects() as statements:
        assert bobs.fragment(poll).status_code == 204
    assert statements == []
    with app.app_context(), transaction() as session:
        chats.touch(session.get_one(Chat, ids[50]), text="Новое", at=utcnow(), unread=1)
    with app.app_context(), selects() as statements:
        answer = bobs.fragment(poll)
    assert names(answer) == ["Чат 050"]
    assert "1 непрочитанное" in words(answer, ".chat-item")
    assert len(statements) <= 4
    again = str(only(answer, "#lines-news")["hx-get"])
    assert bobs.fragment(again).status_code == 204


def test_more_changed_chats_than_one_answer_holds_come_with_the_next_poll(
    app: Flask, bobs: Browser, account: LinkedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_pages, "NEWS_LENGTH", 3)
    ids = fill(app, account, 5)
    poll = str(only(bobs.get(path_of(account)), "#lines-news")["hx-get"])
    with app.app_context(), transaction() as session:
        for chat_id in ids:
            chats.touch(session.get_one(Chat, chat_id), text="Новое", at=utcnow())
    first = bobs.fragment(poll)
    second = bobs.fragment(str(only(first, "#lines-news")["hx-get"]))
    assert sorted(names(first) + names(second)) == chat_names(0, 5)


def test_only_unread_chats_are_shown_where_somebody_wants_that(
    app: Flask, bobs: Browser, account: LinkedAccount
) -> None:
    fill(app, account, 3)
    with app.app_context():
        factories.chat(account, name="Ждёт", unread=2)
    page = bobs.get(path_of(account, "?show=unread"))
    assert names(page) == ["Ждёт"]
    assert words(page, ".chats-head [aria-current]") == "Непрочитанные"
    assert only(page, "#chats").has_attr("data-only-unread")


@pytest.mark.parametrize("scripts", [True, False])
def test_what_is_looked_for_is_marked_and_leads_to_its_place(
    app: Flask, bobs: Browser, account: LinkedAccount, scripts: bool
) -> None:
    with app.app_context():
        maria = factories.chat(account, name="Мария Пионова")
        message = factories.message(maria, body="Добрый день. А <b>ПИОНЫ</b> есть?")
    asked = path_of(account, "/search?q=пион" if scripts else "?q=пион")
    answer = bobs.fragment(asked) if scripts else bobs.get(asked)
    assert names(answer, "#found") == ["Мария Пионова", "Мария Пионова"]
    assert words(answer, "#found mark") == "ПИОНЫ"
    assert "<b>ПИОНЫ</b>" in words(answer, f"#found-{message.id} .chat-line-text").replace(" ", "")
    place = str(only(answer, f"#found-{message.id}")["href"])
    assert (
        words(bobs.get(place), ".bubble-target .bubble-text") == "Добрый день. А <b>ПИОНЫ</b> есть?"
    )


def test_a_search_takes_as_many_queries_whatever_it_finds(
    app: Flask, bobs: Browser, account: LinkedAccount
) -> None:
    counts = []
    for name in ("Аист", "Ёж"):
        with app.app_context():
            for _ in range(10 if name == "Ёж" else 1):
                factories.message(factories.chat(account, name=name), body=name)
        with app.app_context(), selects() as statements:
            bobs.fragment(path_of(account, f"/search?q={name}"))
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 6


def test_nothing_found_is_said(bobs: Browser, account: LinkedAccount) -> None:
    answer = bobs.fragment(path_of(account, "/search?q=тюльпаны"))
    assert words(answer, "#found") == "По запросу «тюльпаны» ничего не найдено"


def test_an_emptied_search_gives_the_list_back(bobs: Browser, account: LinkedAccount) -> None:
    assert only(bobs.fragment(path_of(account, "/search?q=")), "#found").has_attr("hidden")


PREVIEWS = [
    ("image", "", "Фото", "Photo"),
    ("image", "Пионы", "Фото: Пионы", "Photo: Пионы"),
    ("voice", "", "Голосовое сообщение", "Voice message"),
    ("document", "счёт.pdf", "Документ: счёт.pdf", "Document: счёт.pdf"),
    ("document", "", "Документ", "Document"),
    ("contact", "", "Контакт", "Contact card"),
    ("poll_creation", "", "Опрос", "Poll"),
    ("location", "", "Местоположение", "Location"),
    ("text", "image", "image", "image"),
]


@pytest.mark.parametrize(("kind", "text", "russian", "english"), PREVIEWS)
def test_the_newest_message_of_a_chat_is_told_in_words_of_either_language(
    app: Flask,
    bobs: Browser,
    account: LinkedAccount,
    kind: str,
    text: str,
    russian: str,
    english: str,
) -> None:
    with app.app_context():
        chat = factories.chat(account, last_kind=kind, last_text=text)
    line = f"#line-{chat.id} .chat-line-text"
    for language, told in (("ru", russian), ("en", english)):
        page = bobs.get(path_of(account), headers={"Accept-Language": language})
        assert words(page, line).replace(" :", ":") == told
        assert bool(soup(page).select(f"{line} svg")) == (kind != "text")


def test_a_file_that_came_and_one_that_waits_stand_in_their_lists_by_name(
    app: Flask, bobs: Browser, account: LinkedAccount
) -> None:
    with app.app_context():
        with transaction() as session:
            linked = session.get_one(LinkedAccount, account.id)
            chat = chats.person(linked, phone="79161234567")
            arrived = Arrival(
                *("A1", chat, False, "document", "", utcnow(), None, None, ""),
                file=ArrivedFile(FileFacts(MediaKind.DOCUMENT, "счёт.pdf"), None),
            )
            arrivals.store(arrived)
            chat_id = chat.id
            chat_id = chat.id
        kept = db.session.get_one(Chat, chat_id)
        waiting = factories.message(
            kept, kind="document", body="", direction="out", status="queued", wa_id=None
        )
        factories.media(waiting, kind=MediaKind.DOCUMENT, file_name="план.docx")
    assert words(bobs.get(path_of(account)), f"#line-{chat_id} .chat-line-text") == (
        "Документ: счёт.pdf"
    )
    queue = bobs.get(f"/ui/instances/{account.instance_id}/queue")
    assert words(queue, f"#place-{waiting.id} .preview") == "Документ: план.docx"
