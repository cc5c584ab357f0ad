"""Everything by the keyboard alone: no test here clicks, or puts the focus anywhere by itself."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.conftest import DESK
from tests.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

EMAIL, PASSWORD = "anna@example.com", "correct horse battery staple"
ECHO = "+1 555 100-0010"
SOON = 60_000  # milliseconds, for what takes two seconds on a quiet machine
MOST_STOPS = 60
LIST_AGAIN = "htmx.ajax('GET', '/ui/instances/list', {target: '#instances', swap: 'outerHTML'})"
# What changing the name in another tab does.
RENAME = """async ([path, name]) => {
  const text = await (await fetch(path)).text()
  const page = new DOMParser().parseFromString(text, 'text/html')
  const body = new FormData(page.querySelector('form:has([name=description])'))
  body.set('name', name)
  await fetch(path, {method: 'POST', body})
}"""
COUNT_WORDS = """() => {
  window.announcements = []
  const region = document.getElementById('announced')
  new MutationObserver(() => window.announcements.push(region.textContent))
    .observe(region, {childList: true})
}"""


@pytest.fixture(scope="module")
def shop(context: BrowserContext, product: Product) -> str:
    """The path of an instance with a phone, of an administrator who is signed in."""
    page = context.new_page()
    page.goto(product.setup_path)
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Создать учётную запись").click()
    page.goto("/ui/instances/new")
    page.get_by_label("Имя", exact=True).fill("Цветы")
    page.get_by_role("button", name="Создать инстанс").click()
    page.get_by_role("button", name="Отсканировать тестовым телефоном").click(timeout=SOON)
    expect(page.locator("#state-title")).to_contain_text("Подключено", timeout=SOON)
    path = re.sub(r"^https?://[^/]+", "", page.url)
    page.close()
    return path


def go_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Presses `key` until the focus is on `target`."""
    expect(target).to_be_visible()
    for _ in range(MOST_STOPS):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press(key)
    expect(target).to_be_focused(timeout=100)


def press(page: Page, target: Locator, key: str = "Enter") -> None:
    """Goes to `target` and presses `key` there."""
    go_to(page, target)
    page.keyboard.press(key)


def test_somebody_signs_in(chromium: Browser, product: Product, shop: str) -> None:
    fresh = chromium.new_context(base_url=product.address, locale="ru-RU", viewport=DESK)
    page = fresh.new_page()
    page.goto("/login")
    go_to(page, page.get_by_label("Email"))
    page.keyboard.type(EMAIL)
    go_to(page, page.get_by_label("Пароль"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/ui/instances$"))
    fresh.close()


def test_an_instance_is_made_and_deleted(page: Page, shop: str) -> None:
    page.goto("/ui/instances")
    press(page, page.get_by_role("link", name="Создать новый инстанс"))
    expect(page).to_have_url(re.compile("/new$"))
    go_to(page, page.get_by_label("Имя", exact=True))
    page.keyboard.type("Аптека")
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_be_visible()

    page.goto("/ui/instances")
    row = page.locator("[data-row]", has_text="Аптека")
    press(page, row.locator("summary"))
    page.keyboard.press("ArrowDown")
    expect(row.get_by_role("link", name="Контакты")).to_be_focused()
    page.keyboard.press("ArrowDown")
    delete = row.get_by_role("link", name="Удалить")
    expect(delete).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_contain_text("Аптека")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(row.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    press(page, dialog.get_by_role("button", name="Удалить"))
    expect(row).to_have_count(0)
    expect(page.locator(":focus")).to_have_count(1)


def test_a_message_is_written_and_the_focus_stays(page: Page, shop: str) -> None:
    page.goto(f"{shop}/chat")
    go_to(page, page.get_by_label("Номер телефона"))
    page.keyboard.type(ECHO)
    page.keyboard.press("Enter")
    field = page.get_by_label("Сообщение", exact=True)
    expect(field).to_be_focused()
    page.wait_for_load_state()
    page.keyboard.type("Букет готов")
    page.keyboard.press("Enter")
    expect(page.locator(".bubble-in", has_text="Букет готов")).to_be_visible(timeout=SOON)
    expect(field).to_be_focused()


def test_language_and_theme_are_chosen(page: Page, shop: str) -> None:
    page.goto("/ui/profile")
    press(page, page.get_by_role("button", name="English"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
    press(page, page.get_by_role("button", name="Русский"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Профиль")
    menu = page.locator("#theme-menu summary")
    press(page, menu)
    press(page, page.locator("#theme-menu").get_by_role("button", name="Тёмная"))
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(menu).to_be_focused()


def test_the_shortcuts_lead_where_they_say(page: Page, shop: str) -> None:
    page.goto("/ui/instances")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox")
    expect(search).to_be_focused()
    page.keyboard.press("Escape")
    expect(search).not_to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile("/ui/instances/new$"))
    page.goto("/ui/profile")
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page).to_have_url(re.compile("/ui/instances$"))


def test_the_focus_survives_what_polls_bring(page: Page, shop: str) -> None:
    page.goto("/ui/instances")
    row = page.locator("[data-row]", has_text="Цветы")
    details = row.get_by_role("link", name="Детали")
    go_to(page, details)
    page.evaluate("document.querySelector('#instances').dataset.seen = 'before'")
    page.evaluate(LIST_AGAIN)
    expect(page.locator("#instances:not([data-seen])")).to_be_attached()
    expect(details).to_be_focused()
    page.goto(shop)
    again = page.locator("#ui-reconnect")
    go_to(page, again)
    page.evaluate("document.querySelector('#state').dataset.seen = 'before'")
    page.evaluate(f"htmx.ajax('GET', '{shop}/state', {{target: '#state', swap: 'outerHTML'}})")
    expect(page.locator("#state:not([data-seen])")).to_be_attached()
    expect(again).to_be_focused()


def test_a_change_is_announced_once_and_a_poll_says_nothing(page: Page, shop: str) -> None:
    page.goto("/ui/instances")
    page.evaluate(COUNT_WORDS)
    page.evaluate(LIST_AGAIN)
    assert page.evaluate("window.announcements") == []
    page.evaluate(RENAME, [f"{shop}/edit", "Розы"])
    expect(page.locator("#announced")).to_have_text("Розы: Подключено")
    page.evaluate(LIST_AGAIN)
    page.evaluate(LIST_AGAIN)
    assert page.evaluate("window.announcements") == ["Розы: Подключено"]
    page.evaluate(RENAME, [f"{shop}/edit", "Цветы"])
    expect(page.locator("#announced")).to_have_text("Цветы: Подключено")
