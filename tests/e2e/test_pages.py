"""Pages in the sizes, themes and languages there are, with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from app.clock import utcnow
from tests.e2e.conftest import DESK, PHONE
from tests.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

EMAIL, PASSWORD = "anna@example.com", "correct horse battery staple"

# The first of the list by its name.
CREATE = """async () => {
  const headers = JSON.parse(document.body.getAttribute('hx-headers'))
  headers['Content-Type'] = 'application/json'
  await fetch('/api/instances', {method: 'POST', headers, body: JSON.stringify({name: 'Аптека'})})
}"""


@pytest.fixture(scope="module")
def instance_path(context: BrowserContext, product: Product) -> str:
    """The path of an instance of the administrator, who is signed in, in `context`."""
    page = context.new_page()
    page.goto(product.setup_path)
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Создать учётную запись").click()
    page.goto("/ui/instances/new")
    page.get_by_label("Имя", exact=True).fill("Очень длинное имя инстанса, которое не помещается")
    page.get_by_label("URL вебхука").fill("https://crm.example.com/hooks/whatsapp?token=0123456789")
    page.get_by_role("button", name="Создать инстанс").click()
    expect(page.locator("#state .qr svg")).to_be_visible(timeout=60_000)
    path = re.sub(r"^https?://[^/]+", "", page.url)
    page.close()
    return path


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=str)
def test_no_page_is_wider_than_its_window(
    chromium: Browser,
    context: BrowserContext,
    product: Product,
    instance_path: str,
    viewport: ViewportSize,
) -> None:
    looking = chromium.new_context(
        base_url=product.address,
        viewport=viewport,
        locale="ru-RU",
        storage_state=context.storage_state(),
    )
    page = looking.new_page()
    wide = []
    for path in (instance_path, f"{instance_path}/edit", f"{instance_path}/chat", "/ui/instances"):
        page.goto(path)
        wide += [path] * is_too_wide(page)
    looking.close()
    assert wide == []


def is_too_wide(page: Page) -> bool:
    """Whether the page scrolls sideways."""
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return bool(page.evaluate(width) > 0)


def test_the_qr_code_is_dark_on_white_in_the_dark_theme_too(
    chromium: Browser, context: BrowserContext, product: Product, instance_path: str
) -> None:
    looking = chromium.new_context(
        base_url=product.address, color_scheme="dark", storage_state=context.storage_state()
    )
    page = looking.new_page()
    page.goto(instance_path)
    code = page.locator("#state .qr")
    expect(code).to_be_visible(timeout=60_000)
    expect(code).to_have_css("background-color", "rgb(255, 255, 255)")
    assert (code.bounding_box() or {"width": 0})["width"] >= 240
    looking.close()


def test_the_countdown_runs(page: Page, instance_path: str) -> None:
    page.goto(instance_path)
    left = page.locator("[data-seconds-left]")
    expect(left).to_be_visible(timeout=60_000)
    before = left.inner_text()
    expect(left).not_to_have_text(before)


def test_the_language_can_be_switched_and_stays(page: Page, instance_path: str) -> None:
    page.goto("/ui/profile")
    page.get_by_role("button", name="English").click()
    expect(page).to_have_url(re.compile("/ui/profile$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
    page.goto("/ui/instances")
    expect(page.get_by_role("heading", level=1)).to_have_text("Instances")
    page.get_by_role("button", name="Русский").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Инстансы")


def test_the_secret_can_be_shown_and_made(page: Page, instance_path: str) -> None:
    page.goto(f"{instance_path}/edit")
    secret = page.get_by_label("Секретный ключ")
    expect(secret).to_have_attribute("type", "password")
    page.get_by_role("button", name="Показать").click()
    expect(secret).to_have_attribute("type", "text")
    before = secret.input_value()
    page.get_by_role("button", name="Заменить секрет").click()
    question = page.get_by_role("dialog", name="Заменить секрет?")
    question.get_by_role("button", name="Заменить секрет").click()
    expect(secret).to_have_value(re.compile(r"^whsec_[A-Za-z0-9+/]{43}=$"))
    assert secret.input_value() != before


def test_the_api_key_is_shown_on_demand_and_copied(
    page: Page, context: BrowserContext, instance_path: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/ui/profile")
    key = page.locator("#api-key")
    expect(key).to_be_hidden()
    page.get_by_text("Показать ключ").click()
    page.get_by_role("button", name="Скопировать").click()
    expect(page.get_by_role("button", name="Скопировано")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == key.inner_text()


def test_nothing_is_asked_while_nobody_looks(page: Page, instance_path: str) -> None:
    page.goto("/ui/instances")
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})"
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("htmx.trigger('#instances', 'wake')")
    page.wait_for_timeout(100)  # a request that was sent has been told of by then
    assert asked == []  # before somebody looks again: the next poll may come at once
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {configurable: true, get: () => false})"
    )
    with page.expect_request(re.compile("/ui/instances/list")):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_polling_moves_nothing_and_keeps_the_focus(page: Page, instance_path: str) -> None:
    page.goto("/ui/instances")
    page.evaluate(CREATE)  # no phone is asked for: nothing changes while this looks
    page.reload()
    link = page.locator(".instance").first.get_by_role("link", name="Детали")
    link.focus()
    place = link.bounding_box()
    page.evaluate("document.querySelector('#instances').dataset.seen = 'before'")
    page.evaluate(
        "htmx.ajax('GET', '/ui/instances/list', {target: '#instances', swap: 'outerHTML'})"
    )
    expect(page.locator("#instances:not([data-seen])")).to_be_attached()
    expect(link).to_be_focused()
    assert link.bounding_box() == place


def test_a_lost_session_leads_to_sign_in_and_back(
    chromium: Browser, context: BrowserContext, product: Product, instance_path: str
) -> None:
    other = chromium.new_context(
        base_url=product.address, storage_state=context.storage_state(), locale="ru-RU"
    )
    page = other.new_page()
    page.goto(instance_path)
    other.clear_cookies()
    page.evaluate("htmx.trigger('#state', 'wake')")
    page.wait_for_url(re.compile(r"/login\?next="))
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()
    page.wait_for_url(re.compile(instance_path))
    other.close()


@pytest.fixture
def without_scripts(
    chromium: Browser, context: BrowserContext, product: Product, instance_path: str
) -> Iterator[Page]:
    """The administrator's browser with scripts switched off."""
    plain = chromium.new_context(
        base_url=product.address,
        java_script_enabled=False,
        locale="ru-RU",
        storage_state=context.storage_state(),
    )
    yield plain.new_page()
    plain.close()


def test_creating_changing_and_deleting_work_without_scripts(without_scripts: Page) -> None:
    page = without_scripts
    name = f"Склад {utcnow():%H%M%S%f}"
    page.goto("/ui/instances/new")
    page.get_by_label("Имя", exact=True).fill(name)
    page.get_by_role("button", name="Создать инстанс").click()
    page.get_by_role("button", name="Показать QR-код").click()
    expect(page.locator("#state")).to_contain_text("Ожидает сканирования")
    page.get_by_role("link", name="Настройки").click()
    page.get_by_label("Описание").fill("За рекой")
    page.get_by_role("button", name="Сохранить изменения").click()
    expect(page.locator("#alerts")).to_contain_text("Изменения сохранены.")
    expect(page.get_by_role("main")).to_contain_text("За рекой")
    page.get_by_role("link", name="Настройки").click()
    page.get_by_role("link", name="Удалить инстанс").click()
    page.get_by_role("button", name="Удалить").click()
    expect(page.locator("#alerts")).to_contain_text("удалён")


def test_signing_out_and_in_works_without_scripts(without_scripts: Page) -> None:
    page = without_scripts
    page.context.clear_cookies()  # signing out would end the sign-in of the other tests
    page.goto("/login")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Пароль").fill("wrong")
    page.get_by_role("button", name="Войти").click()
    expect(page.locator("#password-error")).to_have_text("Неверный email или пароль.")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Войти").click()
    expect(page).to_have_url(re.compile("/ui/instances$"))
    page.locator("#account-menu summary").click()
    page.get_by_role("button", name="Выйти из системы").click()
    page.goto("/ui/instances")
    expect(page).to_have_url(re.compile("/login"))


def test_everything_can_be_reached_with_the_keyboard(page: Page, instance_path: str) -> None:
    page.goto("/ui/instances")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="К содержанию")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Создать новый инстанс")).to_be_focused()


def test_the_page_of_the_api_calls_with_a_key(page: Page, instance_path: str) -> None:
    page.goto("/ui/profile")
    key = page.evaluate("async () => (await (await fetch('/api/auth/key')).json()).apiKey")
    page.goto("/api/docs")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".modal-ux input").first.fill(key)
    page.locator(".modal-ux button.authorize").first.click()
    page.locator(".modal-ux button.btn-done").first.click()
    operation = page.locator("[id='operations-Account-getMe']")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table")
    expect(answer.locator(".response-col_status").last).to_contain_text("200")
    expect(answer).to_contain_text(EMAIL)
