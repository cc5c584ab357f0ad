"""What strangers may send and people may type: markup everywhere, and names without an end. Every
page that can be reached is looked at, and on none of them is any of it more than a text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from app.core.details import Card, Place, Poll
from app.core.groups import ADMIN, MEMBER, GroupFacts
from app.core.groups import GroupMember as Member
from app.core.media import FileFacts, MediaKind, RemoteFile
from app.engine.address import Address
from app.engine.events import (
    Content,
    Detailed,
    Event,
    File,
    GroupChanged,
    GroupJoined,
    MessageReceived,
    PushNames,
    Quoted,
    Text,
    Unsupported,
)
from app.extensions import db
from app.models import Chat, Contact, Instance, LinkedAccount, Media, Message
from app.sessions.recording import Recorder
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, soup, words

MARKUP = "\"'><xss onload=alert(1)></title></script></textarea><script>alert(1)</script>"
ENDLESS = "Я" * 10_000
PEER = Address(lid="8001@lid", phone="15552009999@s.whatsapp.net")
GROUP = Address(other="120363000000000001@g.us")
MOST_PAGES = 150
_NOW = datetime.now(UTC)


def said(name: str) -> list[Content]:
    """A message of every kind whose every text is `name`."""
    remote = RemoteFile("/v/x?y=1", b"k" * 32, b"h" * 32)
    facts = FileFacts(MediaKind.DOCUMENT, f"{name}.pdf", f"application/{name}", size=5)
    return [
        Text(name),
        File(facts, name, remote),
        File(FileFacts(MediaKind.IMAGE, name, name), name, None),
        Detailed("location", Place(1.5, 2.5, name[:500], name[:500])),
        Detailed("contacts", [Card(name[:500], (name[:500],))]),
        Detailed("poll", Poll(name[:500], (name[:500], "b"), 1)),
        Unsupported(name),
    ]


def events(name: str) -> Iterator[Event]:
    """What somebody who calls himself, his group and his files `name` brings about."""
    members = (Member("15552009999", "8001", ADMIN), Member("15552008888", "8002", MEMBER))
    yield PushNames(((PEER, name),))
    facts = {"id": "120363000000000001", "name": name, "description": name}
    yield GroupJoined(
        GroupFacts(**facts, members=members, only_admins_write=False, created_at=None)
    )
    for number, content in enumerate(said(name)):
        for chat, is_group in ((PEER, False), (GROUP, True)):
            yield MessageReceived(
                id=f"A{number}{is_group}",
                chat=chat,
                sender=PEER,
                from_me=False,
                is_group=is_group,
                timestamp=_NOW,
                push_name=name,
                content=content,
                quoted=Quoted("Q1", PEER, "text", name),
            )
    yield GroupChanged(group=GROUP, by=PEER, timestamp=_NOW, name=name)


def bring(account: LinkedAccount, name: str) -> None:
    """Has all of it arrive as it does from WhatsApp."""
    with transaction() as session:
        there = session.get_one(LinkedAccount, account.id)
        recorder = Recorder(there, lambda *_: None, lambda *_: None)
        for event in events(name):
            recorder.record(event)


@pytest.fixture
def account(app: Flask, shop: Instance) -> Iterator[LinkedAccount]:
    with app.app_context():
        yield factories.linked_account(shop, push_name="Shop")


def pages_from(browser: Browser, start: str) -> Iterator[tuple[str, BeautifulSoup]]:
    """Every page, and every fragment that a page would load, that links lead to."""
    ahead, seen = [start], {start}
    while ahead and len(seen) < MOST_PAGES * 4:
        path = ahead.pop(0)
        answer = browser.get(path)
        assert answer.data is not None and answer.status_code < 500, path
        if answer.mimetype != "text/html" or answer.status_code not in {200, 303}:
            continue
        page = soup(answer)
        yield path, page
        for element in page.select("a[href], [hx-get]"):
            for name in ("href", "hx-get"):
                place = urljoin(path, str(element.get(name) or ""))
                bare = urlsplit(place)._replace(fragment="").geturl()
                if bare.startswith("/ui/") and bare not in seen:
                    seen.add(bare)
                    ahead.append(bare)


def harmful(page: BeautifulSoup) -> list[str]:
    """What on the page came alive: elements and handlers that no template of ours has."""
    found = [one.name for one in page.select("xss")]
    found += [str(one) for one in page.select("script:not([src])") if "alert" in one.get_text()]
    found += [name for one in page.find_all(True) for name in one.attrs if name.startswith("on")]
    links = [str(one.get("href")) for one in page.select("a[href]")]
    return found + [one for one in links if urlsplit(one).scheme not in {"", "http", "https"}]


def test_markup_is_a_text_on_every_page(
    app: Flask, bobs: Browser, shop: Instance, account: LinkedAccount
) -> None:
    bring(account, MARKUP)
    with transaction() as session:
        instance = session.get_one(Instance, shop.id)
        instance.name, instance.description = MARKUP[:60], MARKUP
    factories.contact(shop, name=MARKUP, note=MARKUP, tags=[MARKUP[:30]], phone="15552009999")
    factories.whatsapp_contact(account, push_name=MARKUP, phone="15552007777")
    endpoint = factories.endpoint(shop)
    body = json.dumps({"event": "message_received", "data": {"body": MARKUP}}).encode()
    factories.delivery(endpoint, body=body, status="failed")

    shown, seen = set(), 0
    for path, page in pages_from(bobs, "/ui/instances"):
        assert harmful(page) == [], path
        seen += 1
        if "<xss onload=alert(1)>" in page.get_text():
            shown.add(_kind_of(path))

    assert seen > 30
    expected = {"chat", "contacts", "webhooks", "instances", "group", "forward", "delivery"}
    assert expected <= shown, shown


def _kind_of(path: str) -> str:
    """What of the product a page shows."""
    place = urlsplit(path).path
    for word in ("group", "forward", "contacts", "chat"):
        if f"/{word}" in place:
            return word
    if "/dlv_" in place:
        return "delivery"
    return "webhooks" if "webhooks" in place else "instances"


def test_names_without_an_end_are_cut_wherever_they_come_from(
    app: Flask, bobs: Browser, account: LinkedAccount
) -> None:
    bring(account, ENDLESS)

    for chat in db.session.query(Chat):
        assert 0 < len(chat.name) <= 100
    assert all(len(one.sender_name or "") <= 100 for one in db.session.query(Message))
    for row in db.session.query(Media):
        assert len(row.file_name.encode()) <= 200
        assert len(row.claimed_mime) <= 100
    for path, page in pages_from(bobs, "/ui/instances"):
        assert harmful(page) == [], path


@pytest.mark.parametrize(
    ("place", "typed", "sentence"),
    [
        ("contacts", {"phone": "+79161234567", "name": ENDLESS}, "100"),
        ("groups", {"name": ENDLESS, "people": "+79161234567"}, "100"),
        ("chat", {"to": ENDLESS}, "номер"),
    ],
)
def test_names_without_an_end_that_people_type_are_refused_in_words(
    bobs: Browser, shop: Instance, account: LinkedAccount, place: str, typed: dict, sentence: str
) -> None:
    answer = bobs.post(f"/ui/instances/{shop.id}/{place}", typed)

    assert answer.status_code == 422
    assert sentence in words(answer)
    assert db.session.query(Contact).count() == 0


@pytest.mark.parametrize("asked", [MARKUP, ENDLESS, "%_\\'\"", "\0", '"', "* OR *"])
def test_a_search_for_anything_is_answered(
    bobs: Browser, shop: Instance, account: LinkedAccount, asked: str
) -> None:
    for place in ("chat", "contacts", "contacts/list", "chat/search"):
        answer = bobs.get(f"/ui/instances/{shop.id}/{place}", query_string={"q": asked})
        assert answer.status_code in {200, 303, 422}, place
        assert harmful(soup(answer)) == [], place
