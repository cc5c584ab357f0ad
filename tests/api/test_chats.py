"""Chats over the API: listed, read, and kept as somebody wants them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.clock import utcnow
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount
from tests import factories
from tests.queries import selects


@pytest.fixture
def account(app: Flask, linked: Instance) -> LinkedAccount:
    """The account of bob's instance."""
    with app.app_context():
        found = db.session.get_one(Instance, linked.id).account
        assert found is not None
        return found


@pytest.fixture
def anna(app: Flask, account: LinkedAccount) -> Chat:
    with app.app_context():
        return factories.chat(
            account, phone="79161234567", lid="200000000001", name="Anna", last_text="Hi", unread=2
        )


def path_of(linked: Instance, rest: str = "") -> str:
    return f"/api/instances/{linked.id}/chats{rest}"


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [chat["name"] for chat in answer.json["items"]]


def test_a_chat_is_told_with_all_that_an_integrator_asks(api, linked, anna):
    (shown,) = api.get(path_of(linked)).json["items"]
    assert shown.pop("lastMessageAt").startswith(f"{anna.last_at:%Y-%m-%dT%H:%M}")
    assert shown == {
        "id": "79161234567@s.whatsapp.net",
        "name": "Anna",
        "isGroup": False,
        "lastText": "Hi",
        "unread": 2,
        "markedUnread": False,
        "archived": False,
        "pinned": False,
        "mutedUntil": None,
        "phoneTrouble": None,
    }


def test_the_list_comes_in_pages_the_pinned_ones_first(app, api, linked, account):
    now = utcnow()
    with app.app_context():
        for number in range(5):
            at = now - timedelta(minutes=number)
            pinned = now if number in (2, 4) else None
            factories.chat(account, name=str(number), last_at=at, pinned_at=pinned)
    found, cursor = [], ""
    while cursor is not None:
        answer = api.get(path_of(linked, f"?limit=1{cursor and f'&cursor={cursor}'}"))
        found += names(answer)
        cursor = answer.json["nextCursor"]
    assert found == list("24013")


def test_a_cursor_that_nobody_gave_is_refused(api, linked):
    answer = api.get(path_of(linked, "?cursor=nonsense"))
    assert (answer.status_code, answer.json["code"]) == (422, "bad_cursor")


def test_the_list_is_of_archived_or_unread_chats_where_that_is_asked(app, api, linked, account):
    with app.app_context():
        factories.chat(account, name="archived", archived_at=utcnow())
        factories.chat(account, name="unread", unread=1)
        factories.chat(account, name="marked", marked_unread=True, last_at=utcnow())
        factories.chat(account, name="read", last_at=utcnow())
    assert len(names(api.get(path_of(linked)))) == 4
    assert names(api.get(path_of(linked, "?archived=true"))) == ["archived"]
    assert names(api.get(path_of(linked, "?archived=false"))) == ["read", "marked", "unread"]
    assert names(api.get(path_of(linked, "?unread=true"))) == ["marked", "unread"]


WAYS = ["79161234567", "+7 916 123-45-67", "79161234567@s.whatsapp.net", "200000000001@lid", None]


@pytest.mark.parametrize("way", WAYS)
def test_a_chat_goes_by_number_jid_lid_and_our_id(api, linked, anna, way):
    answer = api.patch(path_of(linked, f"/{way or anna.id}"), {"pinned": True})
    assert (answer.status_code, answer.json["name"]) == (200, "Anna")


def test_a_group_goes_by_its_jid(app, api, linked, account):
    with app.app_context():
        factories.chat(account, kind="group", group_id="120363", phone=None, lid=None, name="We")
    answer = api.patch(path_of(linked, "/120363@g.us"), {"archived": True})
    assert (answer.json["isGroup"], answer.json["archived"]) == (True, True)


@pytest.mark.parametrize("way", ["79990000000", "nobody", "1@nowhere", "42@g.us", "cht_1"])
def test_what_is_no_chat_is_not_found_and_not_made(app, api, linked, anna, way):
    answers = (
        api.patch(path_of(linked, f"/{way}"), {"pinned": True}),
        api.get(path_of(linked, f"/{way}/messages")),
    )
    for answer in answers:
        assert (answer.status_code, answer.json["code"]) == (404, "chat_not_found")
    assert len(api.get(path_of(linked)).json["items"]) == 1


def test_the_chat_of_another_instance_is_not_there(app, api, linked, foreign):
    with app.app_context():
        chat = factories.chat(db.session.get_one(Instance, foreign.id).account)
    assert api.patch(path_of(linked, f"/{chat.id}"), {"pinned": True}).status_code == 404


def test_a_chat_is_kept_as_it_is_said_and_the_rest_stays(api, linked, anna):
    path = path_of(linked, f"/{anna.id}")
    for_good = "2999-01-01T00:00:00.000Z"
    shown = api.patch(path, {"pinned": True, "mutedUntil": "3100-01-01T00:00:00+03:00"}).json
    assert (shown["pinned"], shown["mutedUntil"], shown["unread"]) == (True, for_good, 2)
    shown = api.patch(path, {"unread": False}).json
    assert (shown["pinned"], shown["mutedUntil"], shown["unread"]) == (True, for_good, 0)
    shown = api.patch(path, {"unread": True, "mutedUntil": None}).json
    assert (shown["markedUnread"], shown["mutedUntil"]) == (True, None)
    shown = api.patch(path, {"archived": True}).json
    assert (shown["archived"], shown["pinned"]) == (True, False)
    assert api.patch(path, {"archived": False}).json["archived"] is False


REFUSED = [
    ({"archived": True, "pinned": True}, 422, "archived_and_pinned"),
    ({"mutedUntil": "2020-01-01T00:00:00Z"}, 422, "muted_until_past"),
    ({"mutedUntil": "2999-01-01T00:00:00"}, 422, "muted_until_without_zone"),
    ({"archive": True}, 422, "validation_failed"),
]


@pytest.mark.parametrize(("body", "status", "code"), REFUSED)
def test_what_cannot_be_is_refused_and_changes_nothing(api, linked, anna, body, status, code):
    answer = api.patch(path_of(linked, f"/{anna.id}"), body)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    (shown,) = api.get(path_of(linked)).json["items"]
    assert (shown["archived"], shown["pinned"], shown["mutedUntil"]) == (False, False, None)


def test_a_fourth_chat_is_not_pinned(app, api, linked, account, anna):
    with app.app_context():
        for _ in range(3):
            factories.chat(account, pinned_at=utcnow())
    answer = api.patch(path_of(linked, f"/{anna.id}"), {"pinned": True})
    assert (answer.status_code, answer.json["code"]) == (409, "too_many_pinned")


def test_the_messages_of_a_chat_come_page_by_page_the_newest_first(app, api, linked, anna):
    with app.app_context():
        for number in range(5):
            at = utcnow() - timedelta(minutes=number)
            factories.message(anna, body=str(number), shown_at=at)
    bodies, before = [], ""
    while before is not None:
        rest = f"/{anna.id}/messages?limit=2{before and f'&before={before}'}"
        page = api.get(path_of(linked, rest)).json
        bodies += [message["body"] for message in page["items"]]
        before = page["nextBefore"]
    assert bodies == list("01234")
    (shown,) = api.get(path_of(linked)).json["items"]
    assert shown["unread"] == 2


def test_a_page_before_a_message_of_another_chat_is_refused(app, api, linked, account, anna):
    with app.app_context():
        elsewhere = factories.message(factories.chat(account)).id
    for before in (elsewhere, "msg_1"):
        answer = api.get(path_of(linked, f"/{anna.id}/messages?before={before}"))
        assert (answer.status_code, answer.json["code"]) == (422, "bad_cursor")


def test_a_page_takes_as_many_queries_however_long_it_is(app, api, linked, account, anna):
    counts: dict[str, list[int]] = {"": [], f"/{anna.id}/messages": []}
    for count in (1, 20):
        with app.app_context():
            for _ in range(count):
                factories.message(anna)
                factories.chat(account)
        for rest, asked in counts.items():
            with app.app_context(), selects() as statements:
                api.get(path_of(linked, rest))
            asked.append(len(statements))
    assert all(few == many <= 8 for few, many in counts.values()), counts
