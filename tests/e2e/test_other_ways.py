"""Linking by a code on the phone, and messages that may have arrived, as a person meets them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from app.sandbox.client import SandboxClient
from tests.product import Product
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

TEST_PHONE, SILENT, ASKING = "15551000002", "15551000012", "15551000010"
# What saving another name in another tab does.
RENAME = """async (path) => {
  const text = await (await fetch(path)).text()
  const page = new DOMParser().parseFromString(text, 'text/html')
  const body = new FormData(page.querySelector('form:has([name=description])'))
  body.set('name', 'После')
  await fetch(path, {method: 'POST', body})
}"""
SOON = 45_000  # milliseconds, for what takes two seconds on a quiet machine


@pytest.fixture(scope="module")
def network(product: Product, module_folder: Path) -> SandboxClient:
    """The test network's control."""
    announced = (module_folder / "sandbox" / "sandbox.json").read_text()
    return SandboxClient(json.loads(announced)["control_url"])


@pytest.fixture(scope="module")
def shop(context: BrowserContext, product: Product) -> str:
    """The path of an instance that was linked by a code typed on the test phone."""
    page = context.new_page()
    page.goto(product.setup_path)
    page.get_by_label("Email").fill("anna@example.com")
    page.get_by_label("Пароль").fill("correct horse battery staple")
    page.get_by_role("button", name="Создать учётную запись").click()
    page.goto("/ui/instances/new")
    page.get_by_label("Имя", exact=True).fill("Цветы")
    page.get_by_role("button", name="Создать инстанс").click()
    page.get_by_text("Войти по коду на телефоне").click()
    page.get_by_label("Номер телефона учётной записи").fill(f"+{TEST_PHONE}")
    page.get_by_role("button", name="Получить код").click()
    code = page.locator("#phone-code")
    expect(code).to_have_text(re.compile("^[1-9A-Z]{8}$"), timeout=SOON)
    expect(page.locator("#state")).to_contain_text("+1 555-100-0002")
    page.get_by_role("button", name="Ввести на тестовом телефоне").click()
    expect(page.locator("#state-title")).to_contain_text("Подключено", timeout=SOON)
    path = page.url
    page.close()
    return path


def test_a_code_typed_on_the_phone_links_it(page: Page, shop: str) -> None:
    page.goto(shop)
    expect(page.locator("#state")).to_contain_text("+1 555-100-0002")


def test_a_number_that_whatsapp_does_not_know_is_told_in_words(page: Page, shop: str) -> None:
    page.goto("/ui/instances/new")
    page.get_by_label("Имя", exact=True).fill("Чужой номер")
    page.get_by_role("button", name="Создать инстанс").click()
    page.get_by_text("Войти по коду на телефоне").click()
    page.get_by_label("Номер телефона учётной записи").fill("+1 555 100 0099")
    page.get_by_role("button", name="Получить код").click()
    title = page.locator("#state-title")
    expect(title).to_contain_text("WhatsApp не даёт код для этого номера", timeout=SOON)
    expect(page.locator("#state .hint")).to_contain_text("Проверьте номер")


def test_a_number_is_typed_undisturbed_while_the_panel_changes(page: Page, shop: str) -> None:
    page.goto("/ui/instances/new")
    page.get_by_label("Имя", exact=True).fill("До")
    page.get_by_role("button", name="Создать инстанс").click()
    expect(page.locator("#state .qr svg")).to_be_visible(timeout=SOON)
    page.get_by_text("Войти по коду на телефоне").click()
    field = page.get_by_label("Номер телефона учётной записи")
    field.press_sequentially("+7 916")
    before = page.locator("#state").get_attribute("hx-get")
    assert before is not None

    page.evaluate(RENAME, f"{page.url}/edit")

    expect(page.locator("#state")).not_to_have_attribute("hx-get", before, timeout=SOON)
    expect(field).to_be_focused()
    page.keyboard.type(" 123")
    expect(field).to_have_value("+7 916 123")


def test_one_votes_in_a_poll_by_pressing_its_answers(
    page: Page, shop: str, network: SandboxClient
) -> None:
    asked = network.send_poll(ASKING, TEST_PHONE, "Что нести?", ["чай", "кофе", "вода"], 0)
    page.goto(f"{shop}/chat")
    page.get_by_label("Номер телефона").fill(f"+{ASKING}")
    page.get_by_role("button", name="Открыть чат").click()
    poll = page.locator(".poll").last
    expect(poll).to_contain_text("Пока никто не проголосовал.", timeout=SOON)

    held: list[Route] = []
    page.route("**/vote", lambda route: held.append(route))  # a bound method takes no marks
    for answer in ("кофе", "вода"):  # the second while the first is on its way
        with page.expect_request("**/vote"):
            poll.get_by_role("button", name=answer).click()
    for route in held:
        route.continue_()
    page.unroute("**/vote")
    for answer in ("кофе", "вода"):
        pressed = poll.get_by_role("button", name=answer)
        expect(pressed).to_have_attribute("aria-pressed", "true", timeout=SOON)
    expect(page.locator(".bubble", has_text="Голос в опросе")).to_have_count(0)
    wait_for(lambda: voted(network) == ["кофе", "вода"], SOON / 1000, "the phone reads both")

    network.vote(ASKING, TEST_PHONE, asked, ["кофе"])
    who = poll.get_by_role("button", name="Проголосовали 2 человека")
    expect(who).to_be_visible(timeout=SOON)
    who.click()
    expect(poll.locator(".voters")).to_contain_text("кофе")
    expect(poll.locator(".voters li")).to_have_count(3)
    network.vote(ASKING, TEST_PHONE, asked, ["кофе", "чай"])
    expect(poll.locator(".voters li")).to_have_count(4, timeout=SOON)
    expect(poll.locator(".voters")).to_be_visible()
    page.keyboard.press("Escape")

    poll.get_by_role("button", name="вода").press("Enter")
    expect(poll.get_by_role("button", name="вода")).to_have_attribute(
        "aria-pressed", "false", timeout=SOON
    )
    wait_for(lambda: voted(network) == ["кофе"], SOON / 1000, "the phone reads the last one")


def voted(network: SandboxClient) -> list[str]:
    """What the account has chosen by now, as the phone of who asked reads it."""
    votes = [
        entry["chosen"]
        for entry in network.log()
        if (entry["account"], entry.get("type")) == (ASKING, "vote")
        and entry["direction"] == "received"
    ]
    return list(votes[-1]) if votes else []


def test_two_messages_that_may_have_arrived_are_settled_each_on_its_own(
    page: Page, shop: str, product: Product, network: SandboxClient
) -> None:
    page.goto(f"{shop}/chat")
    page.get_by_label("Номер телефона").fill(f"+{SILENT}")
    page.get_by_role("button", name="Открыть чат").click()
    page.wait_for_load_state()
    network.set_faults(ack_messages=False, withhold_receipts=True)
    first, second = (leave_unconfirmed(page, product, network, text) for text in ("Один", "Два"))
    network.reset_faults()

    second.get_by_role("button", name="Отправить ещё раз").click()
    expect(second).to_contain_text("Отправлено ещё раз новым сообщением")
    expect(page.locator(".bubble-out .bubble-text")).to_have_text(["Один", "Два", "Два"])
    expect(page.locator(".bubble-out .ticks").last).to_contain_text("Доставлено", timeout=SOON)

    one, two, _ = received(network)
    network.read(SILENT, TEST_PHONE, [one])
    expect(first.locator(".ticks")).to_contain_text("Прочитано", timeout=SOON)
    expect(first.get_by_role("button")).to_have_count(0)
    expect(second.locator(".ticks")).to_contain_text("Возможно, доставлено")
    network.read(SILENT, TEST_PHONE, [two])
    expect(second.locator(".ticks")).to_contain_text("Прочитано", timeout=SOON)


def leave_unconfirmed(page: Page, product: Product, network: SandboxClient, text: str) -> Locator:
    """Writes a message that arrives while nobody acknowledges it and its host dies: its bubble."""
    before = len(received(network))
    field = page.get_by_label("Сообщение", exact=True)
    field.fill(text)
    field.press("Enter")
    wait_for(lambda: len(received(network)) > before, SOON / 1000, "the other phone has it")
    [host] = product.processes("sessions")
    host.kill()
    bubble = page.locator(".bubble-out", has_text=text).first
    expect(bubble.locator(".bubble-why")).to_contain_text("Возможно, доставлено", timeout=SOON)
    return bubble


def received(network: SandboxClient) -> list[str]:
    """The ids of what the silent contact got, in order."""
    return [
        entry["id"]
        for entry in network.log()
        if entry["kind"] == "message"
        and (entry["account"], entry["direction"]) == (SILENT, "received")
    ]
