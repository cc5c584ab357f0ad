"""What a person sees where WhatsApp cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.product import Product, free_port, running_product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def product(module_folder: Path) -> Iterator[Product]:
    """The product behind a proxy that is not there."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    with running_product(module_folder, WHATSAPP_PROXY=nowhere) as product:
        yield product


def test_the_instance_says_so_in_words_and_offers_to_try_again(
    page: Page, product: Product
) -> None:
    page.goto(product.setup_path)
    page.get_by_label("Email").fill("anna@example.com")
    page.get_by_label("Пароль").fill("correct horse battery staple")
    page.get_by_role("button", name="Создать учётную запись").click()
    page.goto("/ui/instances/new")
    page.get_by_label("Имя", exact=True).fill("Цветы")
    page.get_by_role("button", name="Создать инстанс").click()
    page.get_by_role("button", name="Понятно, показать QR-код").click()
    expect(page.locator("#state-title")).to_contain_text(
        "Сервер WhatsApp недоступен", timeout=90_000
    )
    page.get_by_role("button", name="Переподключить").click()
    expect(page.locator("#state-title")).to_contain_text("Ожидает сканирования")
