"""Typing on the real engine: shown to the friend's phone, and only where WhatsApp would show it."""

from __future__ import annotations

from typing import Any

from app.core.presence import Presence
from app.models import Chat, User
from app.services import instances
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.sessions.live.shared.test_conduct import arrive
from tests.ui.browser import Browser, soup
from tests.waiting import wait_for


def states(product: Product, number: str = PEER_NUMBER) -> list[dict[str, Any]]:
    """What the phone of `number` was told of who types."""
    entries = product.sandbox.client.log()[product.log_start :]
    return [one for one in entries if one["kind"] == "typing" and one["account"] == number]


def browser_of(product: Product) -> Browser:
    browser = Browser(product.app.test_client())
    browser.sign_in(product.owner)
    return browser


def chat_of(product: Product, instance_id: str, *, group: bool = False) -> Chat:
    return next(one for one in product.chats(instance_id) if one.is_group == group)


def types(product: Product, chat: Chat, typing: str) -> None:
    """The script of the page says that somebody types, or does not any more."""
    path = f"/ui/instances/{chat.instance_id}/chat/{chat.id}/typing"
    assert browser_of(product).post(path, {"typing": typing}).status_code == 204


def test_the_friend_sees_that_somebody_types_and_that_it_ended(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    arrive(product, instance_id, "Are you there?")
    chat = chat_of(product, instance_id)
    types(product, chat, "1")
    wait_for(lambda: [one["state"] for one in states(product)] == ["composing"], PATIENCE)
    types(product, chat, "0")
    wait_for(lambda: [one["state"] for one in states(product)][1:] == ["paused"], PATIENCE)
    assert states(product)[0]["from"] == OWN_NUMBER


def test_a_group_sees_it_too(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    group = client.create_group(PEER_NUMBER, "Couriers", [OWN_NUMBER])
    client.send(PEER_NUMBER, group, "Hi all")
    wait_for(lambda: product.chats(instance_id), PATIENCE, "the group is known")
    types(product, chat_of(product, instance_id, group=True), "1")
    wait_for(lambda: [one["group"] for one in states(product)] == [group], PATIENCE)


def test_an_account_that_is_not_shown_as_online_shows_nothing(
    linked: tuple[Product, str], bob: User
) -> None:
    product, instance_id = linked
    arrive(product, instance_id, "Are you there?")
    product.act(instances.show_presence, instance_id, presence=Presence.NEVER, actor=bob)
    types(product, chat_of(product, instance_id), "1")
    product.queue(instance_id, "Afterwards")
    texts = lambda: [one.get("text") for one in product.sandbox.client.log()]  # noqa: E731
    wait_for(lambda: "Afterwards" in texts(), PATIENCE, "what came later is there")
    assert states(product) == []


def title(product: Product, chat: Chat) -> str:
    """The head of the conversation, opened."""
    page = browser_of(product).get(f"/ui/instances/{chat.instance_id}/chat/{chat.id}")
    mark = soup(page).select_one("#conversation-title .composing")
    return mark.get_text() if mark else ""


def test_the_page_shows_that_the_friend_types_once_it_was_opened(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    arrive(product, instance_id, "Wait")
    chat = chat_of(product, instance_id)

    def seen(state: str, words: str) -> bool:
        client.typing(PEER_NUMBER, OWN_NUMBER, state)
        return title(product, chat) == words

    wait_for(lambda: seen("composing", "печатает…"), PATIENCE, "it is shown")
    wait_for(lambda: seen("recording", "записывает голосовое…"), PATIENCE, "that, too")
    wait_for(lambda: seen("paused", ""), PATIENCE, "it has ended")


def test_a_message_ends_what_the_page_shows(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    arrive(product, instance_id, "Wait")
    chat = chat_of(product, instance_id)

    def seen() -> bool:
        product.sandbox.client.typing(PEER_NUMBER, OWN_NUMBER)
        return title(product, chat) == "печатает…"

    wait_for(seen, PATIENCE, "it is shown")
    arrive(product, instance_id, "Here I am")
    wait_for(lambda: title(product, chat) == "", PATIENCE, "it has ended")
