"""Contacts from a file in a real browser: chosen, looked at, imported, corrected."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.test_main_job import administrator  # noqa: F401 - a fixture

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

COUNT = 6_000


@pytest.fixture(scope="module")
def clients(module_folder: Path) -> Path:
    """A table as Excel saves it in Russian, with one row that is no contact."""
    rows = [f"Клиент {number};8 916 {number:07}" for number in range(COUNT)]
    rows[1] = "Олег;позвони"
    path = module_folder / "clients.csv"
    path.write_bytes("\r\n".join(["Как зовут;Куда звонить", *rows]).encode("windows-1251"))
    return path


def test_a_file_is_chosen_mapped_imported_and_its_refused_rows_come_back(
    page: Page,
    administrator: None,  # noqa: F811
    clients: Path,
    tmp_path: Path,
) -> None:
    page.goto("/ui/instances")
    page.get_by_role("link", name="Создать новый инстанс").click()
    page.get_by_label("Имя", exact=True).fill(f"Цветы {secrets.token_hex(4)}")
    page.get_by_role("button", name="Создать инстанс").click()
    expect(page.locator("#state")).to_be_visible()
    page.goto(f"{page.url}/contacts?source=database")
    page.get_by_role("link", name="Импорт из файла").click()
    page.locator("input[type=file]").set_input_files(clients)
    expect(page.locator("[data-drop-name]")).to_have_text("clients.csv")
    page.locator("#bring-contacts [type=submit]").click()

    expect(page.locator("#mapping")).to_contain_text("Как зовут")
    page.get_by_label("Кодировка").select_option("utf-8")
    expect(page.locator("#mapping")).to_contain_text("другая кодировка")
    page.get_by_label("Кодировка").select_option("windows-1251")
    expect(page.locator("[data-person]").first).to_contain_text("Клиент 0")
    expect(page.get_by_label("Номер", exact=True)).to_have_value("1")
    page.get_by_role("button", name="Импорт", exact=True).click()

    expect(page.locator("#import progress")).to_be_visible()
    outcome = page.locator("#import-outcome")
    expect(outcome).to_contain_text(f"Импортировано контактов: {COUNT - 1}", timeout=60_000)
    expect(outcome).to_contain_text("Отклонено строк: 1")
    expect(page.locator("[data-row]").first).to_contain_text("Клиент 0")
    with page.expect_download() as refused:
        page.locator("#refused-rows").click()
    text = Path(refused.value.path()).read_text("utf-8-sig")
    assert "Это не номер телефона" in text
    assert "Олег;позвони" in text
    tag_one_of_the_found(page)


def tag_one_of_the_found(page: Page) -> None:
    """What was chosen stays so while the list brings itself up to date."""
    page.locator("[data-row]").first.get_by_role("checkbox").check()
    page.locator("#search").fill("клиент")
    expect(page.locator("#contacts")).to_contain_text("Сохранить найденное")
    expect(page.locator("[data-row]").first.get_by_role("checkbox")).to_be_checked()
    page.locator("#selection-tag").fill("VIP")
    page.get_by_role("button", name="Добавить метку").click()
    expect(page.locator("#alerts")).to_contain_text("Метка «VIP» добавлена. Контактов: 1.")
    expect(page.locator("[data-row]").first).to_contain_text("VIP")
