"""People in a browser: their pictures appear in a list that is open, and they are blocked."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from app.sandbox.client import SandboxClient
from tests.e2e.test_groups import ECHO, FRIEND, PHONE, WITHIN, shop
from tests.product import Product

__all__ = ["shop"]
PAINTER = "15551000013"
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def _portrait() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (96, 96), "teal").save(out, "JPEG")
    return out.getvalue()


def _drawn(page: Page, place: str) -> bool:
    """Whether the picture there was loaded and is drawn over the initials."""
    look = "one => one.complete && one.naturalWidth === 96 && one.clientWidth === 36"
    return bool(page.locator(f"{place} .avatar img").evaluate(look))


def test_a_picture_appears_where_the_chat_is_shown(
    page: Page, context: BrowserContext, product: Product, shop: str, module_folder: Path
) -> None:
    state = json.loads((module_folder / "sandbox" / "sandbox.json").read_text())
    network = SandboxClient(state["control_url"])
    network.set_picture(FRIEND, _portrait())
    for number in (FRIEND, ECHO):
        network.send(number, PHONE, "привет")
    page.goto(f"{shop}/chat")
    expect(page.locator(".chat-item")).to_have_count(2, timeout=WITHIN)
    picture = page.locator(".chat-item .avatar img")
    expect(picture).to_have_count(1, timeout=WITHIN)  # without a reload
    assert _drawn(page, ".chat-item")
    page.locator(".chat-item", has=page.locator(".avatar img")).locator(".chat-line").first.click()
    expect(page.locator(".conversation-head .avatar img")).to_have_count(1)
    assert _drawn(page, ".conversation-head")
    network.set_picture(PAINTER, _portrait())
    network.create_group(PHONE, "Мастерская", [PAINTER])
    page.locator(".chat-line", has_text="Мастерская").click(timeout=WITHIN)
    expect(page.locator("#group-open")).to_contain_text("2 участника", timeout=WITHIN)
    page.locator("#group-open").click()
    expect(page.locator(".group-member .avatar img")).to_have_count(1, timeout=WITHIN)
    expect(page.locator(".faces-reach[hx-trigger]")).to_have_count(0, timeout=WITHIN)
    assert _drawn(page, ".group-member")


def test_somebody_is_blocked_and_unblocked_where_one_writes(
    page: Page, product: Product, shop: str
) -> None:
    page.goto(f"{shop}/chat")
    page.get_by_label("Номер телефона").fill("+1 555 100-0010")
    page.get_by_role("button", name="Открыть чат").click()
    page.locator("#chat-menu summary").click()
    page.locator("#block").click()
    page.get_by_role("dialog").get_by_role("button", name="Заблокировать").click()
    blocked = page.locator("form.blocked")
    expect(blocked).to_contain_text("Вы заблокировали этого человека.", timeout=WITHIN)
    expect(page.get_by_label("Сообщение", exact=True)).to_have_count(0)
    blocked.get_by_role("button", name="Разблокировать").click()
    field = page.get_by_label("Сообщение", exact=True)
    expect(field).to_be_visible(timeout=WITHIN)
    field.fill("снова вместе")
    field.press("Enter")
    expect(page.get_by_text("Эхо: снова вместе")).to_be_visible(timeout=WITHIN)
