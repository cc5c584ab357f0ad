"""A place, contact cards and a poll sent from the chat page in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.test_main_job import administrator, open_echo, shop, write  # noqa: F401 - fixtures
from tests.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ARRIVED = re.compile("Доставлено|Прочитано")


@pytest.fixture
def chat(page: Page, shop: str) -> Page:  # noqa: F811
    """The conversation with the contact that answers everything."""
    open_echo(page, shop)
    return page


def choose(page: Page, what: str) -> Locator:
    """The dialog that the menu beside the composer opens for `what`."""
    page.locator("#say summary").click()
    page.locator("#say").get_by_text(what, exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def bubble(page: Page, text: str) -> Locator:
    return page.locator(".bubble-out", has_text=text)


def test_a_poll_with_three_answers_stands_in_the_conversation_and_arrives(chat: Page) -> None:
    dialog = choose(chat, "Опрос")
    expect(dialog.get_by_label("Вопрос")).to_be_focused()
    expect(dialog.get_by_label("Вариант 3")).to_be_hidden()
    dialog.get_by_label("Вопрос").fill("Какие розы?")
    for number, answer in enumerate(("Белые", "Розовые", "Красные"), 1):
        dialog.get_by_label(f"Вариант {number}", exact=True).press_sequentially(answer)
    expect(dialog.get_by_label("Вариант 4")).to_be_visible()
    expect(dialog.get_by_label("Вариант 5")).to_be_hidden()
    dialog.get_by_label("Можно выбрать несколько вариантов").check()
    dialog.get_by_role("button", name="Отправить").click()

    expect(dialog).to_be_hidden()
    sent = bubble(chat, "Какие розы?")
    expect(sent.locator(".poll-answer")).to_have_text(["Белые", "Розовые", "Красные"])
    expect(sent).to_contain_text("Можно выбрать несколько ответов.")
    expect(sent.locator(".ticks")).to_have_attribute("title", ARRIVED)
    expect(chat.get_by_label("Сообщение", exact=True)).to_be_focused()
    expect(sent).to_have_count(1)


def test_what_is_wrong_stands_in_the_dialog_which_keeps_what_was_typed(chat: Page) -> None:
    before = chat.locator(".bubble-out").count()
    dialog = choose(chat, "Опрос")
    dialog.get_by_label("Вопрос").fill("Один ответ?")
    dialog.get_by_label("Вариант 1", exact=True).fill("Да")
    dialog.get_by_role("button", name="Отправить").click()
    expect(dialog.locator("#options-1-error")).to_be_visible()
    expect(dialog.get_by_label("Вариант 2", exact=True)).to_be_focused()
    expect(dialog.get_by_label("Вопрос")).to_have_value("Один ответ?")
    chat.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(chat.locator("#say summary")).to_be_focused()
    assert chat.locator(".bubble-out").count() == before


def test_pasted_coordinates_are_set_apart_and_sent(chat: Page, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    chat.evaluate("navigator.clipboard.writeText('55.7558, 37.6173')")
    dialog = choose(chat, "Местоположение")
    expect(dialog.get_by_label("Широта")).to_be_focused()
    chat.keyboard.press("Control+V")
    expect(dialog.get_by_label("Широта")).to_have_value("55.7558")
    expect(dialog.get_by_label("Долгота")).to_have_value("37.6173")
    dialog.get_by_label("Название места").fill("Красная площадь")
    chat.keyboard.press("Enter")
    sent = bubble(chat, "Красная площадь")
    expect(sent).to_contain_text("55.755800, 37.617300")
    expect(sent.locator(".ticks")).to_have_attribute("title", ARRIVED)
    expect(dialog).to_be_hidden()


def test_the_browser_tells_where_one_is(chat: Page, context: BrowserContext) -> None:
    context.grant_permissions(["geolocation"])
    context.set_geolocation({"latitude": 59.9386, "longitude": 30.3141})
    dialog = choose(chat, "Местоположение")
    dialog.get_by_role("button", name="Где я сейчас").click()
    expect(dialog.get_by_label("Широта")).to_have_value("59.938600")
    expect(dialog.get_by_label("Долгота")).to_have_value("30.314100")


def test_where_one_is_may_stay_a_secret(chat: Page, context: BrowserContext) -> None:
    context.clear_permissions()
    dialog = choose(chat, "Местоположение")
    dialog.get_by_role("button", name="Где я сейчас").click()
    expect(dialog).to_contain_text("Браузер не сообщил, где вы.")
    expect(dialog.get_by_role("button", name="Где я сейчас")).to_be_enabled()


def test_cards_of_somebody_found_and_of_somebody_typed_are_sent_together(
    chat: Page,
    shop: str,  # noqa: F811
) -> None:
    back = chat.url
    chat.goto(f"{shop}/contacts")
    chat.locator("#phone").fill("+7 916 111-22-33")
    chat.locator("#name").fill("Флорист Анна")
    chat.locator("#add button.primary").click()
    chat.goto(back)
    dialog = choose(chat, "Контакт")
    search = dialog.get_by_role("searchbox", name="Поиск по контактам")
    search.press_sequentially("флорист")
    expect(dialog.get_by_role("checkbox")).to_have_count(1)
    dialog.get_by_label("Флорист Анна").check()
    search.fill("никого такого")
    expect(dialog).to_contain_text("Ни у одного контакта этого нет")
    expect(dialog.get_by_label("Флорист Анна")).to_be_checked()
    search.press("Enter")  # searches too, and sends nothing
    expect(search).to_be_focused()
    expect(dialog.get_by_label("Флорист Анна")).to_be_checked()
    dialog.get_by_label("Имя").first.fill("Иван")
    expect(dialog.get_by_label("Имя")).to_have_count(5)
    expect(dialog.get_by_label("Имя").nth(1)).to_be_visible()
    dialog.get_by_label("Номер телефона").first.fill("8 916 765-43-21")
    chat.keyboard.press("Enter")
    sent = chat.locator(".bubble-out", has_text="Флорист Анна")
    expect(sent).to_contain_text("Иван")
    expect(sent).to_contain_text("+7 916 765-43-21")
    expect(sent.locator(".ticks")).to_have_attribute("title", ARRIVED)
    expect(dialog).to_be_hidden()


def test_a_place_answers_the_message_that_was_chosen(chat: Page) -> None:
    write(chat, "Где вас найти?")
    asked = chat.locator(".bubble-in", has_text="Где вас найти?").last
    asked.get_by_title("Ответить").click()
    expect(chat.locator("#replying")).to_be_visible()
    dialog = choose(chat, "Местоположение")
    dialog.get_by_label("Широта").fill("55,75; 37,62")
    dialog.get_by_label("Название места").fill("Мы здесь")
    dialog.get_by_role("button", name="Отправить").click()
    expect(bubble(chat, "Мы здесь").locator(".quote")).to_contain_text("Где вас найти?")
    expect(chat.locator("#replying")).to_be_hidden()


def test_two_clicks_send_one_poll(chat: Page) -> None:
    dialog = choose(chat, "Опрос")
    dialog.get_by_label("Вопрос").fill("Дважды?")
    dialog.get_by_label("Вариант 1", exact=True).fill("Да")
    dialog.get_by_label("Вариант 2", exact=True).fill("Нет")
    dialog.get_by_role("button", name="Отправить").dblclick()
    expect(dialog).to_be_hidden()
    expect(bubble(chat, "Дважды?").locator(".ticks")).to_have_attribute("title", ARRIVED)
    chat.reload()
    expect(bubble(chat, "Дважды?")).to_have_count(1)


def test_without_scripts_a_poll_is_a_page(
    chromium: Browser, context: BrowserContext, product: Product, chat: Page
) -> None:
    plain = chromium.new_context(
        base_url=product.address,
        java_script_enabled=False,
        locale="ru-RU",
        storage_state=context.storage_state(),
    )
    page = plain.new_page()
    page.goto(chat.url)
    page.locator("#say summary").click()
    page.locator("#new-poll").click()
    page.get_by_label("Вопрос").fill("Без скриптов?")
    page.get_by_label("Вариант 1", exact=True).fill("Да")
    page.get_by_label("Вариант 12").fill("Тоже да")
    page.get_by_role("button", name="Отправить").click()
    expect(page).to_have_url(chat.url)
    expect(bubble(page, "Без скриптов?").locator(".poll-answer").last).to_have_text("Тоже да")
    plain.close()
