"""An administrator invites somebody and shuts them out again, in a browser, in both languages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import PHONE
from tests.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
PASSWORD = "correct horse battery staple"


def test_somebody_is_invited_comes_and_is_shut_out(
    page: Page, chromium: Browser, product: Product
) -> None:
    page.goto(product.setup_path)
    page.get_by_label("Email").fill("anna@example.com")
    page.get_by_label("Пароль", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Создать учётную запись").click()
    page.get_by_role("link", name="Пользователи").click()
    page.get_by_role("link", name="Пригласить пользователя").click()
    page.get_by_label("Email").fill("ivan@example.com")
    page.get_by_role("button", name="Создать ссылку").click()
    link = page.locator("#link").inner_text()

    context = chromium.new_context(base_url=product.address, locale="en-US", viewport=PHONE)
    guest = context.new_page()
    guest.goto(link)
    guest.get_by_label("Password", exact=True).fill(PASSWORD)
    guest.get_by_role("button", name="Create the account").click()
    guest.get_by_role("link", name="Profile").click()
    guest.get_by_role("button", name="Show the key").click()
    expect(guest.locator("#api-key")).to_contain_text("wam_")
    guest.get_by_text("Replace the key").click()
    guest.get_by_label("Works for another 24 hours").check()
    guest.get_by_role("button", name="Make a new key").click()
    expect(guest.get_by_text("A former key still works.")).to_be_visible()

    page.get_by_role("link", name="Пользователи").first.click()
    page.get_by_role("searchbox").fill("ivan")
    expect(page.locator("#users tbody tr")).to_have_count(1)
    page.get_by_role("link", name="ivan@example.com").click()
    page.get_by_role("link", name="Отключить учётную запись").click()
    page.get_by_role("button", name="Отключить учётную запись").click()
    expect(page.get_by_text("Учётная запись отключена", exact=False).first).to_be_visible()
    guest.goto("/ui/profile")
    expect(guest.get_by_role("heading", level=1)).to_have_text("Sign in")
    context.close()
