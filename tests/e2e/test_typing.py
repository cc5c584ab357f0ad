"""Who types: told to the other side while somebody writes in a real browser."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.clock import utcnow
from app.sandbox.client import SandboxClient
from tests.e2e.test_main_job import administrator, open_echo, shop  # noqa: F401 - fixtures
from tests.product import Product
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PHONE, ECHO = "15551000002", "15551000010"
SOON = 30.0
BETWEEN_SIGNALS = timedelta(seconds=5)


@pytest.fixture
def phones(product: Product, module_folder: Path, shop: str) -> SandboxClient:  # noqa: F811
    """The test network's phones. The shop is shown as online: else WhatsApp tells nobody."""
    state = json.loads((module_folder / "sandbox" / "sandbox.json").read_text())
    client = SandboxClient(state["control_url"])
    wait_for(lambda: client.account(PHONE)["devices"][-1]["available"], SOON, "it is online")
    wait_for(lambda: _is_quiet(client), SOON, "what another test typed is over")
    return client


def _is_quiet(phones: SandboxClient) -> bool:
    """Whether nobody has typed for so long that the next signal is not dropped."""
    told = [one for one in phones.log() if one["kind"] == "typing" and one["account"] == ECHO]
    ago = utcnow() - datetime.fromisoformat(told[-1]["time"]) if told else BETWEEN_SIGNALS
    return ago >= BETWEEN_SIGNALS


def shown(phones: SandboxClient) -> list[str]:
    """What the friend's phone was told of who types."""
    told = [one for one in phones.log() if one["kind"] == "typing" and one["account"] == ECHO]
    return [one["state"] for one in told]


def test_the_friend_sees_typing_once_until_the_text_is_sent(
    page: Page,
    shop: str,  # noqa: F811
    phones: SandboxClient,
) -> None:
    before = len(shown(phones))
    open_echo(page, shop)
    field = page.get_by_label("Сообщение", exact=True)
    field.press_sequentially("не спешу", delay=20)
    wait_for(lambda: shown(phones)[before:] == ["composing"], SOON, "the friend sees it")
    field.press("Enter")
    expect(page.locator(".bubble-out", has_text="не спешу")).to_be_visible()
    wait_for(lambda: shown(phones)[before:] == ["composing", "paused"], SOON, "it has ended")


def test_typing_ends_when_nothing_more_is_written(
    page: Page,
    shop: str,  # noqa: F811
    phones: SandboxClient,
) -> None:
    before = len(shown(phones))
    page.clock.install()
    open_echo(page, shop)
    page.get_by_label("Сообщение", exact=True).press_sequentially("и тут…")
    wait_for(lambda: shown(phones)[before:] == ["composing"], SOON, "the friend sees it")
    page.clock.fast_forward(11_000)
    wait_for(lambda: shown(phones)[before:] == ["composing", "paused"], SOON, "it has ended")


def test_the_head_of_the_conversation_says_that_the_friend_types_and_forgets_it(
    page: Page,
    shop: str,  # noqa: F811
    phones: SandboxClient,
) -> None:
    page.clock.install()
    open_echo(page, shop)
    mark = page.locator("#conversation-title .composing")

    def seen() -> bool:
        phones.typing(ECHO, PHONE)
        page.clock.run_for(3000)
        return mark.count() == 1

    wait_for(seen, SOON, "it is shown")
    expect(mark).to_have_text("печатает…")
    page.clock.run_for(20_000)
    expect(mark).to_have_count(0)
