"""Chats archived, pinned and muted in a real browser: the list follows without a reload."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from app.sandbox.client import SandboxClient
from tests.e2e.test_main_job import administrator, open_echo, shop, write  # noqa: F401 - fixtures
from tests.look import measures
from tests.product import Product
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PHONE, ECHO, FRIEND = "15551000002", "15551000010", "15551000012"
SMALL = {"width": 360, "height": 740}
WITHIN = 30_000  # milliseconds


@pytest.fixture(scope="module")
def network(product: Product, module_folder: Path) -> SandboxClient:
    """The test network of the product."""
    state = json.loads((module_folder / "sandbox" / "sandbox.json").read_text())
    return SandboxClient(state["control_url"])


@pytest.fixture
def chat(page: Page, shop: str, network: SandboxClient) -> Page:  # noqa: F811
    """The conversation with the echo, above which a friend's stands; it is never loaded again."""
    open_echo(page, shop)
    greeting = f"Привет {time.monotonic_ns()}"
    write(page, greeting)
    expect(page.locator(".bubble-in", has_text=greeting)).to_be_visible(timeout=WITHIN)
    network.send(FRIEND, PHONE, "Я новее")
    expect(line(page, "Молчун")).to_contain_text("Я новее", timeout=WITHIN)
    stand(page, "Молчун", "Эхо")
    page.evaluate("window.neverReloaded = true")
    return page


def lines(page: Page) -> Locator:
    return page.locator("#lines .chat-item")


def line(page: Page, name: str) -> Locator:
    return page.locator("#lines .chat-item", has_text=name)


def stand(page: Page, *names: str) -> None:
    """Waits until these chats are the list, in this order; what the phone does takes a while."""
    expect(page.locator("#lines .chat-line-name")).to_have_text(list(names), timeout=WITHIN)


def on_the_phone(network: SandboxClient) -> dict[str, Any]:
    """How it keeps the echo's chat."""
    none = {"pinned": False, "muted_until": 0}
    return network.kept(PHONE).get(f"{ECHO}@s.whatsapp.net", none)


def in_head(page: Page, act: str) -> None:
    page.locator("#chat-menu summary").click()
    page.locator("#chat-menu").get_by_role("button", name=act, exact=True).click()


def in_line(page: Page, name: str, act: str) -> None:
    line(page, name).get_by_role("link", name="Действия с чатом").click()
    page.get_by_role("dialog").get_by_role("button", name=act, exact=True).click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_chat_is_pinned_muted_and_archived_and_the_list_follows(
    chat: Page, network: SandboxClient
) -> None:
    in_head(chat, "Закрепить")
    stand(chat, "Эхо", "Молчун")
    expect(line(chat, "Эхо")).to_contain_text("Закреплён")
    expect(chat.locator("#chat-menu summary")).to_be_focused()

    in_head(chat, "Отключить звук на неделю")
    expect(line(chat, "Эхо")).to_contain_text("Без звука")
    wait_for(lambda: on_the_phone(network)["pinned"], 30, "the phone pins it, too")
    wait_for(lambda: on_the_phone(network)["muted_until"] > 0, 30, "and mutes it")

    in_line(chat, "Молчун", "В архив")
    stand(chat, "Эхо")
    assert chat.locator(":focus").count() == 1

    network.send(FRIEND, PHONE, "Я снова тут")
    expect(line(chat, "Молчун")).to_contain_text("Я снова тут", timeout=WITHIN)
    stand(chat, "Эхо", "Молчун")

    network.keep(PHONE, ECHO, pinned=False)
    stand(chat, "Молчун", "Эхо")
    expect(chat.locator("#chat-menu")).to_contain_text("Закрепить", timeout=WITHIN)
    in_line(chat, "Эхо", "Включить звук")
    expect(line(chat, "Эхо")).not_to_contain_text("Без звука")
    assert chat.evaluate("window.neverReloaded")

    in_line(chat, "Молчун", "В архив")
    stand(chat, "Эхо")
    chat.get_by_role("link", name="Архив", exact=True).click()
    stand(chat, "Молчун")
    in_line(chat, "Молчун", "Вернуть из архива")
    expect(chat.locator("#no-lines")).to_have_text("Архив пуст.")


def test_a_chat_that_is_marked_unread_is_left_and_has_a_dot(chat: Page) -> None:
    in_head(chat, "Отметить непрочитанным")
    expect(chat.locator(".nothing-open")).to_be_visible()
    expect(line(chat, "Эхо")).to_contain_text("Отмечен непрочитанным")
    line(chat, "Эхо").locator(".chat-line").click()
    expect(chat.locator("#chat-menu")).to_contain_text("Отметить непрочитанным")
    expect(line(chat, "Эхо")).not_to_contain_text("Отмечен непрочитанным")


def test_all_of_it_fits_a_phone_in_both_themes_and_passes_axe(
    chat: Page,
    shop: str,  # noqa: F811
    network: SandboxClient,
    tmp_path: Path,
) -> None:
    in_line(chat, "Молчун", "Закрепить")
    in_line(chat, "Молчун", "Отключить звук навсегда")
    chat.set_viewport_size(SMALL)
    chat.emulate_media(reduced_motion="reduce")  # else colours are measured on their way
    chat.locator("#chat-menu summary").click()
    measure(chat)
    chat.goto(f"{shop}/chat")
    expect(line(chat, "Молчун").locator(".unread-quiet")).to_be_visible()
    measure(chat)
    line(chat, "Молчун").get_by_role("link", name="Действия с чатом").click()
    expect(chat.get_by_role("dialog")).to_be_visible()
    measure(chat)
    chat.get_by_role("dialog").get_by_role("button", name="Открепить").click()
    in_line(chat, "Молчун", "Включить звук")
    expect(line(chat, "Молчун")).not_to_contain_text("Без звука")


def measure(page: Page) -> None:
    for theme in ("light", "dark"):
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        assert measures.layout_problems(page) + measures.axe_problems(page) == []


def test_without_scripts_the_forms_do_the_same(
    chromium: Browser,
    context: BrowserContext,
    page: Page,
    shop: str,  # noqa: F811
) -> None:
    plain = chromium.new_context(
        java_script_enabled=False, storage_state=context.storage_state(), locale="ru-RU"
    )
    open_echo(page, shop)
    page = plain.new_page()
    page.goto(f"{shop}/chat")
    line(page, "Эхо").get_by_role("link", name="Действия с чатом").click()
    page.get_by_role("button", name="Закрепить").click()
    expect(line(page, "Эхо")).to_contain_text("Закреплён")
    line(page, "Эхо").locator(".chat-line").click()
    page.locator("#chat-menu summary").click()
    page.get_by_role("button", name="Открепить").click()
    expect(line(page, "Эхо")).not_to_contain_text("Закреплён")
    plain.close()
