"""Stickers and GIFs in the chat: chosen beside the attached file, made, and shown."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.extensions import db
from app.jobs import making
from app.jobs import media as media_jobs
from app.models import Chat, Instance, Media, Message
from tests import factories
from tests.core.test_sniffing import picture
from tests.moving import moving
from tests.ui.browser import Browser, only, soup, words
from tests.ui.test_media import files_of, files_path, messages, upload
from tests.ui.test_voice import chat_path


@pytest.fixture
def chat(app: Flask, shop: Instance) -> Chat:
    with app.app_context():
        return factories.chat(factories.linked_account(shop))


def attach(browser: Browser, chat: Chat, content: bytes, name: str, **values: Any) -> Any:
    return browser.post(files_path(chat), {"file": upload(content, name), **values})


def test_a_picture_is_sent_as_a_sticker_and_its_caption_as_a_text(
    app: Flask, bobs: Browser, chat: Chat
) -> None:
    given = {"as": "sticker", "caption": "for you"}
    assert attach(bobs, chat, picture("PNG"), "cat.png", **given).status_code == 303

    sticker, text = messages(app)
    assert (sticker.kind, sticker.body) == ("sticker", "")
    assert (text.kind, text.body) == ("text", "for you")
    assert sticker.media is not None
    assert (sticker.media.mime, sticker.media.width) == ("image/webp", 512)


def test_a_gif_that_moves_goes_as_a_gif_and_says_that_it_is_being_prepared(
    app: Flask, bobs: Browser, chat: Chat
) -> None:
    attach(bobs, chat, moving(), "cat.gif", caption="look")

    (message,) = messages(app)
    assert message.kind == "gif"
    page = bobs.get(chat_path(chat))
    assert words(page, ".media-state") == "Готовится к отправке"
    with app.app_context():
        making.make(db.session.query(Media).one().id)
    film = only(bobs.get(chat_path(chat)), "video.media-film")
    assert film.has_attr("loop")
    assert str(film["poster"]).endswith("/thumbnail")
    assert (film["width"], film["height"]) == ("120", "80")


def test_a_sticker_that_moves_is_shown_moving_to_who_wants_it(
    app: Flask, bobs: Browser, chat: Chat
) -> None:
    attach(bobs, chat, moving(), "cat.gif", **{"as": "sticker"})
    with app.app_context():
        media_jobs.make_thumbnail(db.session.query(Media).one().id)

    page = bobs.get(chat_path(chat))
    source = only(page, "picture source")
    assert source["media"] == "(prefers-reduced-motion: no-preference)"
    assert bobs.get(str(source["srcset"])).mimetype == "image/webp"
    assert str(only(page, "picture img")["src"]).endswith("/thumbnail")


def test_what_is_no_picture_is_told_in_words_beside_its_name(
    app: Flask, bobs: Browser, chat: Chat, settings: Any
) -> None:
    answer = attach(bobs, chat, b"<html><script>1</script>", "<b>.png", **{"as": "sticker"})

    assert answer.status_code == 422
    told = "_b_.png: Стикер делается из картинки PNG, JPEG, WebP или GIF. Этот файл не картинка."
    assert words(answer, "#attach-problems") == told
    assert only(answer, "#attach-as option[selected]")["value"] == "sticker"
    assert messages(app) == []
    assert files_of(settings) == []


def test_a_gif_that_could_not_be_made_says_why_and_can_be_tried_again(
    app: Flask, bobs: Browser, chat: Chat
) -> None:
    attach(bobs, chat, moving("GIF", 5, milliseconds=20_000), "long.gif")
    with app.app_context():
        making.make(db.session.query(Media).one().id)

    page = bobs.get(chat_path(chat))
    assert words(page, ".bubble-why") == "Не отправлено: GIF может длиться не больше минуты"
    assert words(page, ".media-state") == "GIF из этого файла не получился."
    (message,) = messages(app)
    bobs.post(f"{chat_path(chat)}/messages/{message.id}/retry")
    (message,) = messages(app)
    assert (message.status, message.media.state) == ("queued", "making")  # type: ignore[union-attr]


def test_who_is_answered_by_a_sticker_is_kept(app: Flask, bobs: Browser, chat: Chat) -> None:
    with app.app_context():
        original = factories.message(chat, wa_id="3EB0AA").id
    attach(bobs, chat, picture("PNG"), "a.png", reply_to=original, **{"as": "sticker"})

    sticker = next(one for one in messages(app) if one.kind == "sticker")
    with app.app_context():
        assert db.session.get_one(Message, sticker.id).quote.wa_id == "3EB0AA"


def test_the_choice_is_there_without_scripts(bobs: Browser, chat: Chat) -> None:
    page = bobs.get(chat_path(chat))

    options = soup(page).select("#attach-as option")
    assert [one["value"] for one in options] == ["", "sticker", "gif", "document"]
    assert only(page, 'label[for="attach-as"]').get_text() == "Отправить как"
