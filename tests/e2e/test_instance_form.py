"""The specification's «Создание инстансов» and «Редактирование инстансов», step by step."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import PHONE
from tests.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class Labels:
    """What a person reads on the form, in one language."""

    locale: str
    new: str
    name: str
    description: str
    url: str
    delivery: str
    more: str
    retries: str
    gap: str
    read: str
    secret: str
    make: str
    create: str
    edit: str
    replace: str
    save: str
    saved: str


RUSSIAN = Labels(
    "ru-RU",
    "Создать новый инстанс",
    "Имя",
    "Описание",
    "URL вебхука",
    "Статус доставки",
    "Повторы и заголовки",
    "Повторные попытки",
    "Секунд между сообщениями",
    "Отмечать входящие прочитанными",
    "Секретный ключ",
    "Создать",
    "Создать инстанс",
    "Изменить",
    "Заменить секрет",
    "Сохранить изменения",
    "Изменения сохранены.",
)
ENGLISH = Labels(
    "en-US",
    "Create a new instance",
    "Name",
    "Description",
    "Webhook URL",
    "Delivery status",
    "Retries and headers",
    "Retries",
    "Seconds between two messages",
    "Mark incoming messages as read",
    "Secret key",
    "Make one",
    "Create the instance",
    "Edit",
    "Replace the secret",
    "Save the changes",
    "Changes saved.",
)


@pytest.fixture(scope="module")
def signed_in(context: BrowserContext, product: Product) -> BrowserContext:
    """The administrator's browser."""
    page = context.new_page()
    page.goto(product.setup_path)
    page.get_by_label("Email").fill("anna@example.com")
    page.get_by_label("Пароль").fill("correct horse battery staple")
    page.get_by_role("button", name="Создать учётную запись").click()
    expect(page).to_have_url(re.compile("/ui/instances$"))
    page.close()
    return context


@pytest.mark.parametrize("labels", [RUSSIAN, ENGLISH], ids=lambda labels: labels.locale)
def test_an_instance_is_created_and_edited_by_its_labels(
    labels: Labels, chromium: Browser, signed_in: BrowserContext, product: Product
) -> None:
    looking = chromium.new_context(
        base_url=product.address,
        viewport=PHONE,
        locale=labels.locale,
        storage_state=signed_in.storage_state(),
    )
    page = looking.new_page()
    page.goto("/ui/instances")
    page.get_by_role("link", name=labels.new).first.click()
    create(page, labels)
    page.get_by_role("main").get_by_role("link", name=labels.edit).first.click()
    secret = edit(page, labels)
    expect(page.get_by_text(labels.saved)).to_be_visible()
    page.get_by_role("main").get_by_role("link", name=labels.edit).first.click()
    expect(page.get_by_label(labels.secret)).to_have_value(secret)
    expect(page.get_by_label(labels.gap)).to_have_value("30")
    expect(page.get_by_label(labels.retries, exact=True)).to_have_value("5")
    looking.close()


def create(page: Page, labels: Labels) -> None:
    """Fills in the form, is told of a mistake, corrects it, and saves."""
    page.get_by_label(labels.name, exact=True).fill(f"Shop {labels.locale}")
    page.get_by_label(labels.description).fill("By the river")
    page.get_by_label(labels.url).fill("https://user@example.com/hook")
    page.get_by_label(labels.delivery).check()
    page.get_by_role("button", name=labels.make, exact=True).click()
    secret = page.get_by_label(labels.secret).input_value()
    page.get_by_role("button", name=labels.create).click()
    expect(page.get_by_label(labels.url)).to_be_focused()
    expect(page.locator("#wrong-fields")).to_contain_text(labels.url)
    expect(page.get_by_label(labels.secret)).to_have_value(secret)
    expect(page.get_by_label(labels.delivery)).to_be_checked()
    page.get_by_label(labels.url).fill("https://example.com/hook")
    page.get_by_role("button", name=labels.create).click()
    expect(page).to_have_url(re.compile("/ui/instances/ins_"))


def edit(page: Page, labels: Labels) -> str:
    """Changes what is folded too, and the secret; returns the new one."""
    page.get_by_text(labels.more).click()
    page.get_by_label(labels.retries, exact=True).fill("5")
    page.get_by_label(labels.gap).fill("30")
    page.get_by_label(labels.read).select_option("arrival")
    page.get_by_role("button", name=labels.replace).click()
    page.get_by_role("dialog").get_by_role("button", name=labels.replace).click()
    secret = page.get_by_label(labels.secret).input_value()
    page.get_by_role("button", name=labels.save).click()
    return secret
