"""The list, the question before a deletion, the queue and the journal, by their labels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import DESK
from tests.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SOON = 60_000  # milliseconds, for what takes two seconds on a quiet machine
CREATE = """async (names) => {
  const headers = JSON.parse(document.body.getAttribute('hx-headers'))
  headers['Content-Type'] = 'application/json'
  for (const name of names) {
    await fetch('/api/instances', {method: 'POST', headers, body: JSON.stringify({name})})
  }
}"""


@dataclass(frozen=True)
class Labels:
    """What a person looks for on the pages, in one language."""

    locale: str
    search: str
    details: str
    more: str
    delete: str
    cancel: str
    deleted: str
    queue: str
    journal: str
    cancel_message: str
    cancel_all: str
    nothing_waits: str


RUSSIAN = Labels(
    locale="ru-RU",
    search="Поиск по имени, номеру или описанию",
    details="Детали",
    more="Ещё об инстансе",
    delete="Удалить",
    cancel="Отмена",
    deleted="удалён",
    queue="Очередь",
    journal="Журнал",
    cancel_message="Отменить",
    cancel_all="Отменить все",
    nothing_waits="Ничего не ждёт отправки",
)
ENGLISH = Labels(
    locale="en-US",
    search="Search by name, number or description",
    details="Details",
    more="More of",
    delete="Delete",
    cancel="Cancel",
    deleted="was deleted",
    queue="Queue",
    journal="Journal",
    cancel_message="Cancel the message",
    cancel_all="Cancel all",
    nothing_waits="Nothing waits",
)


@pytest.fixture(scope="module")
def queued(context: BrowserContext, product: Product) -> str:
    """The path of an instance that was linked and logged out: what is written to it waits."""
    page = context.new_page()
    page.goto(product.setup_path)
    page.get_by_label("Email").fill("anna@example.com")
    page.get_by_label("Пароль").fill("correct horse battery staple")
    page.get_by_role("button", name="Создать учётную запись").click()
    page.goto("/ui/instances/new")
    page.get_by_label("Имя", exact=True).fill("Цветы")
    page.get_by_role("button", name="Создать инстанс").click()
    page.get_by_role("button", name="Отсканировать тестовым телефоном").click(timeout=SOON)
    expect(page.locator("#state-title")).to_contain_text("Подключено", timeout=SOON)
    path = re.sub(r"^https?://[^/]+", "", page.url)
    page.goto(f"{path}/log-out")
    page.get_by_role("button", name="Выйти", exact=True).click()
    expect(page.locator("#state-title")).not_to_contain_text("Подключено", timeout=SOON)
    page.close()
    return path


@pytest.fixture(params=[RUSSIAN, ENGLISH], ids=["ru", "en"])
def said(request: pytest.FixtureRequest) -> Labels:
    """The labels of each language in turn."""
    labels: Labels = request.param
    return labels


@pytest.fixture
def tab(
    chromium: Browser, context: BrowserContext, product: Product, queued: str, said: Labels
) -> Iterator[Page]:
    """A tab of the same person in that language."""
    looking = chromium.new_context(
        base_url=product.address,
        locale=said.locale,
        viewport=DESK,
        storage_state=context.storage_state(),
    )
    looking.set_default_timeout(15_000)
    yield looking.new_page()
    looking.close()


def names(page: Page) -> list[str]:
    return page.locator("[data-row] a[id^=name-]").all_inner_texts()


def test_the_list_is_searched_and_filtered_by_its_address(tab: Page, said: Labels) -> None:
    tab.goto("/ui/instances")
    tab.evaluate(CREATE, ["Depot", "Office"])
    tab.goto("/ui/instances")
    tab.get_by_role("searchbox", name=said.search).fill("depot")
    expect(tab).to_have_url(re.compile(r"\?q=depot$"))
    expect(tab.locator("[data-row]")).to_have_count(1)
    tab.locator("#state-created").click()
    expect(tab).to_have_url(re.compile(r"q=depot&state=created$"))
    expect(tab.locator("#state-created")).to_be_focused()
    tab.reload()
    assert names(tab) == ["Depot"]
    expect(tab.get_by_role("searchbox", name=said.search)).to_have_value("depot")


def test_deleting_in_the_list_asks_and_leaves_the_person_there(tab: Page, said: Labels) -> None:
    tab.goto("/ui/instances")
    tab.evaluate(CREATE, ["Aaa first", "Aab second"])
    tab.goto("/ui/instances?q=aa")
    row = tab.locator("[data-row]", has_text="Aaa first")
    expect(row.get_by_role("link", name=said.details)).to_be_visible()
    menu = row.locator("summary")
    menu.click()
    row.get_by_role("link", name=said.delete).click()
    dialog = tab.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_contain_text("Aaa first")
    dialog.get_by_role("link", name=said.cancel).click()
    expect(dialog).to_be_hidden()
    expect(menu).to_be_focused()
    menu.click()
    row.get_by_role("link", name=said.delete).click()
    dialog.get_by_role("button", name=said.delete).click()
    expect(tab.locator("#alerts")).to_contain_text(said.deleted)
    expect(row).to_have_count(0)
    expect(tab).to_have_url(re.compile(r"\?q=aa$"))
    neighbour = tab.locator("[data-row]", has_text="Aab second")
    expect(neighbour.locator(":focus")).to_have_count(1)
    neighbour.locator("summary").click()
    neighbour.get_by_role("link", name=said.delete).click()
    dialog.get_by_role("button", name=said.delete).click()
    expect(tab.locator("[data-row]")).to_have_count(0)


def test_what_waits_is_seen_cancelled_and_written_down(
    tab: Page, said: Labels, queued: str
) -> None:
    tab.goto(queued)
    write = """async ([place, texts]) => {
      const headers = JSON.parse(document.body.getAttribute('hx-headers'))
      headers['Content-Type'] = 'application/json'
      for (const text of texts) {
        const body = JSON.stringify({to: '+79161234567', text})
        await fetch(`/api/instances/${place}/send`, {method: 'POST', headers, body})
      }
    }"""
    place = queued.rpartition("/")[2]
    tab.evaluate(write, [place, ["One", "Two", "Three"]])
    tab.get_by_role("link", name=said.queue, exact=True).click()
    rows = tab.locator("[data-row]")
    expect(rows).to_have_count(3)
    rows.nth(1).get_by_role("button", name=said.cancel_message).click()
    expect(rows).to_have_count(2)
    expect(tab.locator("#queue")).not_to_contain_text("Two")
    tab.evaluate(write, [place, ["Four"]])
    expect(rows).to_have_count(3, timeout=SOON)  # the poll brought it
    tab.get_by_role("link", name=said.cancel_all).click()
    tab.get_by_role("dialog").get_by_role("button", name=said.cancel_all).click()
    expect(tab.locator("#queue")).to_contain_text(said.nothing_waits)
    tab.get_by_role("link", name=said.journal, exact=True).click()
    expect(tab.locator("#journal li").first).to_contain_text("3")


def test_new_lines_of_the_journal_do_not_push_away_what_is_read(
    tab: Page, said: Labels, queued: str
) -> None:
    tab.goto(f"{queued}/edit")
    save = """async (times) => {
      const form = document.querySelector('form:has([name=description])')
      for (let time = 0; time < times; time++) {
        await fetch(form.action, {method: 'POST', body: new FormData(form)})
      }
    }"""
    tab.evaluate(save, 25)
    other = tab.context.new_page()
    other.goto(f"{queued}/edit")
    tab.goto(f"{queued}/journal")
    read = tab.locator("#journal li").nth(20)
    line = f"#{read.get_attribute('id')}"
    tab.evaluate("line => document.querySelector(line).scrollIntoView()", line)
    before = tab.locator(line).bounding_box()
    count = tab.locator("#journal li").count()
    other.evaluate(save, 1)
    expect(tab.locator("#journal li")).to_have_count(count + 1, timeout=SOON)
    after = tab.locator(line).bounding_box()
    assert before and after
    assert abs(before["y"] - after["y"]) < 2
