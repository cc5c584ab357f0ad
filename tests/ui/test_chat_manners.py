"""Archive, pin, mute and mark unread, from the conversation and from the list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.clock import utcnow
from app.extensions import db
from app.models import Chat, LinkedAccount
from app.models.chat import ALWAYS
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, only, soup, words


@pytest.fixture
def maria(app: Flask, account: LinkedAccount) -> Chat:
    with app.app_context():
        return factories.chat(account, name="Мария", last_at=utcnow() - timedelta(days=1))


def path_of(account: LinkedAccount, rest: str = "") -> str:
    return f"/ui/instances/{account.instance_id}/chat{rest}"


def manners_of(chat: Chat) -> str:
    return f"/ui/instances/{chat.instance_id}/chat/{chat.id}/manners"


def names(answer: Any) -> list[str]:
    return [one.get_text() for one in soup(answer).select(".chat-item .chat-line-name")]


def kept(app: Flask, chat: Chat) -> Chat:
    with app.app_context():
        return db.session.get_one(Chat, chat.id)


ACTS = [
    ("archive", "Вернуть из архива"),
    ("pin", "Открепить"),
    ("mute-8h", "Включить звук"),
    ("mute-week", "Включить звук"),
    ("mute-always", "Включить звук"),
]


@pytest.mark.parametrize(("act", "offered"), ACTS)
def test_an_act_in_the_conversation_answers_with_the_menu_as_it_is_now(
    bobs: Browser, maria: Chat, act: str, offered: str
) -> None:
    assert offered not in words(bobs.get(manners_of(maria)[: -len("/manners")]), "#chat-menu")
    answer = bobs.act(manners_of(maria), {"act": act})
    assert only(answer, "#chat-manners")
    assert offered in words(answer, "#chat-menu")
    assert answer.headers["HX-Trigger-After-Swap"] == "chats-changed"


def test_without_scripts_an_act_comes_back_to_the_conversation(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    answer = bobs.post(manners_of(maria), {"act": "pin"})
    assert (answer.status_code, answer.location) == (303, manners_of(maria)[: -len("/manners")])
    assert kept(app, maria).pinned_at


def test_an_act_undoes_what_another_did(app: Flask, bobs: Browser, maria: Chat) -> None:
    for act in ("pin", "unpin", "mute-week", "unmute", "archive", "unarchive", "unread", "read"):
        bobs.post(manners_of(maria), {"act": act})
    now = kept(app, maria)
    assert not (now.pinned_at or now.muted_until or now.archived_at or now.marked_unread)


def test_that_the_phone_does_not_know_is_said_in_the_head_and_in_the_menu(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    page = manners_of(maria)[: -len("/manners")]
    assert not soup(bobs.get(page)).select(".untold")
    with app.app_context(), transaction() as session:
        session.get_one(Chat, maria.id).phone_trouble = "app_state_refused"
    why = "Телефон не знает, что здесь сделали с этим чатом: WhatsApp в этом отказал."
    shown = bobs.get(page)
    assert words(shown, ".untold") == words(shown, "#chat-menu .untold-why") == why
    assert words(bobs.get(manners_of(maria)), ".untold-why") == why


def test_an_act_without_its_token_is_refused(app: Flask, bobs: Browser, maria: Chat) -> None:
    answer = bobs.post(manners_of(maria), {"act": "pin", "csrf_token": "wrong"})
    assert answer.status_code == 419
    assert kept(app, maria).pinned_at is None


def test_an_unknown_act_is_refused(bobs: Browser, maria: Chat) -> None:
    assert bobs.post(manners_of(maria), {"act": "fly"}).status_code == 422


def test_who_marks_the_open_chat_unread_leaves_it_and_the_mark_stays_until_it_is_opened(
    app: Flask, bobs: Browser, account: LinkedAccount, maria: Chat
) -> None:
    conversation = bobs.get(path_of(account, f"/{maria.id}"))
    answer = bobs.act(manners_of(maria), {"act": "unread"})
    assert answer.headers["HX-Redirect"] == path_of(account)
    bobs.fragment(str(only(conversation, "#news")["hx-get"]))  # it is open elsewhere
    page = bobs.get(path_of(account, "?show=unread"))
    assert names(page) == ["Мария"]
    assert words(page, ".chat-line-marks") == "Отмечен непрочитанным"
    bobs.get(path_of(account, f"/{maria.id}"))
    assert names(bobs.get(path_of(account, "?show=unread"))) == []


def test_in_the_list_the_acts_stand_in_a_dialog_and_its_answer_closes_it(
    app: Flask, bobs: Browser, account: LinkedAccount, maria: Chat
) -> None:
    link = only(bobs.get(path_of(account)), f"#manners-{maria.id}")
    assert "Мария" in link.get_text()
    asked = bobs.fragment(str(link["hx-get"]))
    fields = {one["name"]: one["value"] for one in soup(asked).select("input[type=hidden]")}
    answer = bobs.act(manners_of(maria), fields | {"act": "archive"})
    assert answer.headers["HX-Trigger-After-Swap"] == "answered, chats-changed"
    assert kept(app, maria).archived_at


def test_without_scripts_the_acts_of_a_line_are_a_page_that_leads_back_to_its_list(
    app: Flask, bobs: Browser, account: LinkedAccount, maria: Chat
) -> None:
    page = bobs.get(str(only(bobs.get(path_of(account)), f"#manners-{maria.id}")["href"]))
    assert words(page, "#manners h2") == "Мария"
    answer = bobs.post(manners_of(maria), {"act": "pin", "in_list": "1", "show": "unread"})
    assert answer.location == path_of(account, "?show=unread")


def test_a_fourth_chat_is_not_pinned_and_the_dialog_says_why(
    app: Flask, bobs: Browser, account: LinkedAccount, maria: Chat
) -> None:
    with app.app_context():
        for _ in range(3):
            factories.chat(account, pinned_at=utcnow())
    answer = bobs.act(manners_of(maria), {"act": "pin", "in_list": "1"})
    assert answer.status_code == 409
    assert "не больше 3 чатов" in words(answer, "#manners [role=alert]")
    alert = bobs.act(manners_of(maria), {"act": "pin"})
    assert (alert.status_code, alert.headers["HX-Retarget"]) == (409, "#alerts")


def test_the_archive_is_a_tab_of_its_own(
    app: Flask, bobs: Browser, account: LinkedAccount, maria: Chat
) -> None:
    with app.app_context():
        factories.chat(account, name="Старое", archived_at=utcnow(), unread=1)
    assert names(bobs.get(path_of(account))) == ["Мария"]
    assert names(bobs.get(path_of(account, "?show=unread"))) == []
    archive = bobs.get(path_of(account, "?show=archive"))
    assert names(archive) == ["Старое"]
    assert words(archive, ".chats-head [aria-current]") == "Архив"
    assert only(archive, "#chats").has_attr("data-archive")
    assert only(archive, ".chat-item").has_attr("data-archived")


def test_an_empty_archive_says_so(bobs: Browser, account: LinkedAccount) -> None:
    assert words(bobs.get(path_of(account, "?show=archive")), "#no-lines") == "Архив пуст."


def test_the_archive_goes_on_in_parts(app: Flask, bobs: Browser, account: LinkedAccount) -> None:
    with app.app_context():
        for number in range(35):
            factories.chat(account, name=str(number), archived_at=utcnow())
    page = bobs.get(path_of(account, "?show=archive"))
    rest = bobs.fragment(str(only(page, ".more-lines .more-reach")["hx-get"]))
    assert len(set(names(page) + names(rest))) == 35


def test_a_pinned_chat_leads_the_list_and_says_what_it_is(
    app: Flask, bobs: Browser, account: LinkedAccount, maria: Chat
) -> None:
    with app.app_context():
        factories.chat(account, name="Новее")
    bobs.post(manners_of(maria), {"act": "pin"})
    page = bobs.get(path_of(account))
    assert names(page) == ["Мария", "Новее"]
    assert words(page, f"#line-{maria.id} .chat-line-marks") == "Закреплён"
    places = [str(one["data-place"]) for one in soup(page).select(".chat-item")]
    assert places == sorted(places, reverse=True)


def test_what_is_unread_in_a_muted_chat_is_grey_and_does_not_count_for_the_instance(
    app: Flask, bobs: Browser, account: LinkedAccount
) -> None:
    with app.app_context():
        factories.chat(account, unread=7, muted_until=ALWAYS)
        factories.chat(account, unread=2)
    page = bobs.get(path_of(account))
    assert words(page, ".unread-quiet") == "7 7 непрочитанных"
    assert "Без звука" in words(page, ".chat-item:has(.unread-quiet) .chat-line-marks")
    assert words(bobs.get("/ui/instances"), ".instance .unread") == "2 2 непрочитанных"


def test_a_poll_tells_the_list_what_was_archived(
    bobs: Browser, account: LinkedAccount, maria: Chat
) -> None:
    poll = str(only(bobs.get(path_of(account)), "#lines-news")["hx-get"])
    bobs.post(manners_of(maria), {"act": "archive"})
    assert only(bobs.fragment(poll), ".chat-item").has_attr("data-archived")


def test_a_poll_of_the_conversation_brings_the_menu_as_it_is_now(
    bobs: Browser, account: LinkedAccount, maria: Chat
) -> None:
    poll = str(only(bobs.get(path_of(account, f"/{maria.id}")), "#news")["hx-get"])
    bobs.act(manners_of(maria), {"act": "pin", "in_list": "1"})
    menu = only(bobs.fragment(poll), "#chat-manners")
    assert menu["hx-swap-oob"] == "true"
    assert "Открепить" in menu.get_text()
