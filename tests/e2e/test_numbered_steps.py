"""The specification's numbered steps that no other module walks, by their labels in both languages:
signing in by the API key, linking after the QR code has expired, and contacts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from app.extensions import db
from app.models import User
from tests import factories
from tests.e2e.conftest import DESK, PHONE
from tests.look.stage import database_beside
from tests.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

EMAIL, PASSWORD = "anna@example.com", "correct horse battery staple"
SOON = 60_000  # milliseconds, for what takes two seconds on a quiet machine


@dataclass(frozen=True)
class Labels:
    """What a person looks for, in one language."""

    locale: str
    instance: str
    api_key: str
    sign_in: str
    instances: str
    expired: str
    reconnect: str
    steps: tuple[str, str, str]
    scan: str
    connected: str
    contacts: str
    database: str
    search: str
    add_section: str
    phone: str
    name: str
    add: str
    exists: str
    import_contacts: str
    imported: str


RUSSIAN = Labels(
    locale="ru-RU",
    instance="Склад",
    api_key="API ключ",
    sign_in="Войти",
    instances="Инстансы",
    expired="QR-код истёк",
    reconnect="Переподключить",
    steps=(
        "Откройте WhatsApp на вашем телефоне",
        "Перейдите в Настройки > WhatsApp Web/Desktop",
        "Отсканируйте QR-код, отображаемый на экране",
    ),
    scan="Отсканировать тестовым телефоном",
    connected="Подключено",
    contacts="Контакты",
    database="База данных",
    search="Поиск по имени или номеру",
    add_section="Добавить новый контакт",
    phone="Номер телефона",
    name="Имя",
    add="Добавить контакт",
    exists="Контакт с этим номером уже есть",
    import_contacts="Импортировать контакты",
    imported="Импорт завершён. Импортировано контактов: 3",
)
ENGLISH = Labels(
    locale="en-US",
    instance="Office",
    api_key="API key",
    sign_in="Sign in",
    instances="Instances",
    expired="The QR code has expired",
    reconnect="Reconnect",
    steps=(
        "Open WhatsApp on your phone",
        "Go to Settings > WhatsApp Web/Desktop",
        "Scan the QR code shown on this screen",
    ),
    scan="Scan with the test phone",
    connected="Connected",
    contacts="Contacts",
    database="Database",
    search="Search by name or number",
    add_section="Add a new contact",
    phone="Phone number",
    name="Name",
    add="Add the contact",
    exists="There is a contact with this number already",
    import_contacts="Import contacts",
    imported="Import finished. Contacts imported: 3",
)


@pytest.fixture(params=[RUSSIAN, ENGLISH], ids=["ru", "en"])
def said(request: pytest.FixtureRequest) -> Labels:
    """The labels of each language in turn."""
    labels: Labels = request.param
    return labels


@pytest.fixture(scope="module")
def key(context: BrowserContext, product: Product) -> str:
    """The API key of the administrator, who is signed in, in `context`."""
    page = context.new_page()
    page.goto(product.setup_path)
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Создать учётную запись").click()
    page.goto("/ui/profile")
    page.get_by_text("Показать ключ").click()
    expect(page.locator("#api-key")).to_contain_text("wam_")
    shown = page.locator("#api-key").inner_text()
    page.close()
    return shown


@pytest.fixture
def tab(chromium: Browser, product: Product, key: str, said: Labels) -> Iterator[Page]:
    """A tab of somebody who is not signed in, in that language."""
    looking = chromium.new_context(
        base_url=product.address, locale=said.locale, timezone_id="Europe/Moscow", viewport=DESK
    )
    yield looking.new_page()
    looking.close()


def sign_in(page: Page, said: Labels, key: str) -> None:
    """Section 2, steps 1 to 3, by the second way."""
    page.goto("/login")
    page.get_by_role("link", name=said.api_key).click()
    page.get_by_label(said.api_key, exact=True).fill(key)
    page.get_by_role("button", name=said.sign_in, exact=True).click()
    expect(page).to_have_url(re.compile("/ui/instances$"))


def test_the_api_key_signs_in_and_leads_to_the_instances(tab: Page, said: Labels, key: str) -> None:
    sign_in(tab, said, key)
    expect(tab.get_by_role("heading", level=1)).to_have_text(said.instances)


def test_an_expired_code_is_replaced_scanned_and_the_state_changes(
    tab: Page, said: Labels, key: str, module_folder: Path
) -> None:
    with database_beside(module_folder):
        anna = db.session.query(User).filter_by(email=EMAIL).one()
        factories.instance(anna, name=said.instance, state="failed", reason="qr_expired")
    sign_in(tab, said, key)
    tab.get_by_role("link", name=said.instance, exact=True).click()
    expect(tab.locator("#state-title")).to_contain_text(said.expired)
    tab.get_by_role("button", name=said.reconnect).click()
    expect(tab.locator("#state .qr svg")).to_be_visible(timeout=SOON)
    expect(tab.locator("#state .steps li")).to_have_text(said.steps)
    tab.get_by_role("button", name=said.scan).click()
    expect(tab.locator("#state-title")).to_contain_text(said.connected, timeout=SOON)
    tab.goto(f"{tab.url}/log-out")  # the other language links the same phone
    tab.locator("main form button").last.click()
    expect(tab.locator("#state-title")).not_to_contain_text(said.connected, timeout=SOON)


def make_shop(name: str) -> str:
    """An instance that was linked once, whose WhatsApp knows three people; its path."""
    anna = db.session.query(User).filter_by(email=EMAIL).one()
    instance = factories.instance(anna, name=name, state="stopped")
    account = factories.linked_account(instance)
    for book_name, phone in (("Алёна", "79161234567"), ("Bob", "15551230001")):
        factories.whatsapp_contact(account, book_name=book_name, phone=phone)
    factories.whatsapp_contact(account, push_name="Tulip", phone=None, lid="80001234567890")
    return f"/ui/instances/{instance.id}"


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_contacts_are_viewed_added_and_imported(
    tab: Page, said: Labels, key: str, window: ViewportSize, module_folder: Path
) -> None:
    with database_beside(module_folder):
        path = make_shop(f"{said.contacts} {window['width']}")
    tab.set_viewport_size(window)
    sign_in(tab, said, key)
    tab.goto(path)

    # Viewing
    tab.get_by_role("navigation").get_by_role("link", name=said.contacts, exact=True).click()
    rows = tab.locator("#contacts [data-row]")
    expect(rows).to_have_count(3)
    tab.get_by_role("searchbox", name=said.search).fill("АЛЕН")
    expect(rows).to_have_count(1)
    tab.get_by_role("searchbox", name=said.search).fill("8 916 123")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("+7 916 123-45-67")
    tab.get_by_role("link", name=re.compile(said.database)).click()
    expect(rows).to_have_count(0)

    # Adding
    section = tab.get_by_role("region", name=said.add_section)
    section.get_by_label(said.phone).fill("+1 555 123-0099")
    section.get_by_label(said.name).fill("Olga")
    section.get_by_role("button", name=said.add).click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Olga")
    section.get_by_label(said.phone).fill("1 (555) 123 00 99")
    section.get_by_label(said.phone).press("Enter")
    expect(section.get_by_role("alert")).to_contain_text(said.exists)

    # Importing
    tab.goto(f"{path}/contacts?source=database")
    tab.get_by_role("button", name=said.import_contacts).click()
    expect(tab.locator("#import-outcome")).to_contain_text(said.imported, timeout=SOON)
    expect(rows).to_have_count(4)
    expect(tab.get_by_role("link", name=re.compile(said.database))).to_contain_text("4")
    wide = "document.documentElement.scrollWidth - innerWidth"
    assert tab.evaluate(wide) <= 0
