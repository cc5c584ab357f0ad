"""The main job from the first start to an answered message, as a person does it."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect
from sqlalchemy import select

from app.clock import utcnow
from app.extensions import db
from app.models import LinkedAccount
from tests import factories
from tests.look.stage import database_beside
from tests.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

EMAIL, PASSWORD = "anna@example.com", "correct horse battery staple"
ECHO = "+1 555 100-0010"
LINKED_WITHIN = 30_000  # milliseconds


@pytest.fixture(scope="module")
def administrator(context: BrowserContext, product: Product) -> None:
    """The first administrator, made and signed in through the setup link."""
    page = context.new_page()
    page.goto(product.setup_path)
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Ваше имя").fill("Анна")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Создать учётную запись").click()
    expect(page).to_have_url(re.compile("/ui/instances$"))
    page.close()


@pytest.fixture(scope="module")
def shop(context: BrowserContext, administrator: None) -> str:
    """The path of an instance that the test phone is linked to."""
    page = context.new_page()
    page.goto("/ui/instances")
    page.get_by_role("link", name="Создать новый инстанс").click()
    page.get_by_label("Имя", exact=True).fill("Цветы")
    page.get_by_role("button", name="Создать инстанс").click()
    expect(page.locator("#state .qr svg")).to_be_visible(timeout=LINKED_WITHIN)
    page.get_by_role("button", name="Отсканировать тестовым телефоном").click()
    expect(page.locator("#state-title")).to_contain_text("Подключено", timeout=LINKED_WITHIN)
    path = page.url
    page.close()
    return path


def write(page: Page, text: str) -> None:
    """Writes as people do: types, and presses Enter."""
    field = page.get_by_label("Сообщение", exact=True)
    field.fill(text)
    field.press("Enter")


def open_echo(page: Page, shop: str) -> None:
    """The chat with the contact that answers with what it was told."""
    page.goto(f"{shop}/chat")
    page.get_by_label("Номер телефона").fill(ECHO)
    page.get_by_role("button", name="Открыть чат").click()
    page.wait_for_load_state()  # the field has the focus before the scripts have run
    expect(page.get_by_label("Сообщение", exact=True)).to_be_focused()


def test_a_scanned_instance_shows_its_number_on_its_page_and_in_the_list(
    page: Page, shop: str
) -> None:
    page.goto(shop)
    expect(page.locator("#state")).to_contain_text("+1 555-100-0002")
    page.goto("/ui/instances")
    expect(page.locator(".instance").first).to_contain_text("Подключено")


def test_a_text_is_sent_its_ticks_move_and_the_reply_appears_without_reloading(
    page: Page, shop: str
) -> None:
    open_echo(page, shop)
    write(page, "Привет, эхо")
    sent = page.locator(".bubble-out", has_text="Привет, эхо")
    expect(sent.locator(".ticks")).to_contain_text(
        re.compile("Доставлено|Прочитано"), timeout=LINKED_WITHIN
    )
    reply = page.locator(".bubble-in", has_text="Привет, эхо")
    expect(reply).to_be_visible(timeout=LINKED_WITHIN)
    expect(page.get_by_label("Сообщение", exact=True)).to_be_focused()


def test_a_number_that_is_not_on_whatsapp_is_named_beside_the_field(page: Page, shop: str) -> None:
    page.goto(f"{shop}/chat")
    page.get_by_label("Номер телефона").fill("+7 916 000-00-01")
    page.get_by_role("button", name="Открыть чат").click()
    expect(page.locator("#to-error")).to_have_text("Этого номера нет в WhatsApp.")


def test_a_chat_is_found_by_a_word_and_opens_at_its_place(page: Page, shop: str) -> None:
    open_echo(page, shop)
    write(page, "Незабудки привезли")
    expect(page.locator(".bubble-out", has_text="Незабудки").locator(".ticks")).to_be_visible()
    page.get_by_label("Поиск по чатам и сообщениям").press_sequentially("НЕЗАБУД")
    page.locator("#found .chat-line").first.click()
    expect(page.locator(".bubble-target")).to_contain_text("Незабудки привезли")


def test_times_are_those_of_the_readers_clock(page: Page, shop: str) -> None:
    open_echo(page, shop)
    write(page, "который час")
    time = page.locator(".bubble-out", has_text="который час").locator("time")
    local = "(e) => new Date(e.dateTime).toLocaleTimeString('ru', {timeStyle: 'short'})"
    expect(time).to_have_text(time.evaluate(local))


def test_shift_enter_breaks_the_line_and_enter_sends_both(page: Page, shop: str) -> None:
    open_echo(page, shop)
    field = page.get_by_label("Сообщение", exact=True)
    field.fill("первая")
    field.press("Shift+Enter")
    field.press_sequentially("вторая")
    field.press("Enter")
    expect(page.locator(".bubble-out").last.locator(".bubble-text")).to_have_text(
        "первая\nвторая", use_inner_text=True
    )
    expect(field).to_have_value("")


def test_messages_written_quickly_one_after_another_keep_their_order(page: Page, shop: str) -> None:
    open_echo(page, shop)
    for number in range(5):
        write(page, f"быстро {number}")
    texts = page.locator(".bubble-out .bubble-text", has_text="быстро")
    expect(texts).to_have_text([f"быстро {number}" for number in range(5)])


def test_a_message_is_reacted_to_edited_and_deleted_from_its_bubble(page: Page, shop: str) -> None:
    open_echo(page, shop)
    write(page, "в пять")
    bubble = page.locator(".bubble-out", has_text="в пять")
    expect(bubble.locator(".ticks")).to_have_attribute("title", "Прочитано", timeout=LINKED_WITHIN)
    which = page.locator(f"#{bubble.get_attribute('id')}")
    acts = page.get_by_role("dialog")

    which.locator(".acts-open").click()
    acts.get_by_role("button", name="👍").click()
    expect(acts).to_be_hidden()
    expect(which.locator(".reactions")).to_contain_text("👍", timeout=LINKED_WITHIN)
    expect(page.locator(".bubble", has_text="Реакция:")).to_have_count(0)

    which.locator(".acts-open").click()
    acts.get_by_label("Изменить текст").fill("в шесть")
    acts.get_by_role("button", name="Сохранить изменения").click()
    expect(which.locator(".bubble-text").first).to_have_text("в шесть", timeout=LINKED_WITHIN)
    which.get_by_role("button", name="изменено").click()
    expect(which.locator(".former")).to_contain_text("в пять")
    page.keyboard.press("Escape")

    which.locator(".acts-open").click()
    acts.get_by_text("Удалить у всех").first.click()
    acts.get_by_role("button", name="Удалить у всех").click()
    expect(which).to_contain_text("Сообщение удалено", timeout=LINKED_WITHIN)
    expect(which.locator(".acts-open")).to_have_count(0)


def test_typing_goes_on_undisturbed_while_messages_arrive(page: Page, shop: str) -> None:
    open_echo(page, shop)
    write(page, "ответь мне")
    field = page.get_by_label("Сообщение", exact=True)
    field.press_sequentially("недописанное")
    expect(page.locator(".bubble-in", has_text="ответь мне")).to_be_visible(timeout=LINKED_WITHIN)
    expect(field).to_have_value("недописанное")
    expect(field).to_be_focused()


def test_a_refused_message_comes_back_into_the_field(page: Page, shop: str) -> None:
    open_echo(page, shop)
    text = "я" * 65_600
    page.get_by_label("Сообщение", exact=True).evaluate("element => element.maxLength = 99999")
    write(page, text)
    expect(page.locator("#alerts [role=alert]")).to_contain_text("не длиннее")
    expect(page.get_by_label("Сообщение", exact=True)).to_have_value(text)


def test_a_text_written_without_a_server_goes_out_once_when_it_is_back(
    page: Page, context: BrowserContext, shop: str
) -> None:
    open_echo(page, shop)
    context.set_offline(True)
    write(page, "без связи")
    bubble = page.locator(".bubble-out", has_text="без связи")
    expect(bubble.locator(".ticks")).to_contain_text("Передаётся на сервер")
    expect(page.locator("#connection-lost")).to_be_visible()
    context.set_offline(False)
    expect(bubble.locator(".ticks")).to_contain_text(re.compile("Отправлено|Доставлено|Прочитано"))
    expect(bubble).to_have_count(1)


def test_a_text_whose_answer_got_lost_is_handed_over_again_and_is_one_message(
    page: Page, shop: str
) -> None:
    open_echo(page, shop)
    lost = []

    def lose_first_answer(route: Route) -> None:
        if route.request.method != "POST" or lost:
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    page.route("**/messages", lose_first_answer)
    write(page, "ровно один раз")
    page.reload()  # before the second try: the text is remembered
    bubble = page.locator(".bubble-out", has_text="ровно один раз")
    expect(bubble.locator(".ticks")).to_contain_text(re.compile("Отправлено|Доставлено|Прочитано"))
    expect(bubble).to_have_count(1)
    expect(page.locator(".bubble-pending")).to_have_count(0)
    assert lost == [200]


def test_what_is_not_sent_yet_is_kept_as_a_draft(page: Page, shop: str) -> None:
    open_echo(page, shop)
    field = page.get_by_label("Сообщение", exact=True)
    field.fill("допишу потом")
    page.reload()
    expect(field).to_have_value("допишу потом")
    write(page, "дописано")
    page.reload()
    expect(field).to_have_value("")


def test_scrolling_up_brings_older_messages_and_what_is_read_stays_in_its_place(
    page: Page, shop: str, module_folder: Path
) -> None:
    page.goto(f"{shop}/chat/{long_chat(module_folder)}")
    scroll, first = page.locator("#scroll"), page.locator(".bubble-text").first
    expect(page.locator(".bubble").last).to_be_in_viewport()
    seen = page.locator(".bubble", has_text="старое 162")
    seen.scroll_into_view_if_needed()
    top = place(seen)
    expect(first).to_have_text("старое 120")
    assert abs(place(seen) - top) < 2
    for oldest in ("старое 80", "старое 40", "старое 0"):
        scroll.evaluate("element => { element.scrollTop = 0 }")
        expect(first).to_have_text(oldest)
    assert page.locator(".day").count() == len(set(page.locator(".day").all_inner_texts()))
    page.locator("#newest").click()
    expect(page.locator(".bubble").last).to_be_in_viewport()
    expect(page.locator("#newest")).to_be_hidden()


def place(element: Locator) -> float:
    """How far from the top of the window it stands."""
    box = element.bounding_box()
    assert box is not None
    return box["y"]


def long_chat(folder: Path) -> str:
    """The id of a chat with 200 messages, over some days."""
    start = utcnow() - timedelta(days=5)
    with database_beside(folder):
        account = db.session.scalars(select(LinkedAccount)).first()
        assert account is not None
        chat = factories.chat(account, name="Длинная переписка")
        for number in range(200):
            factories.message(
                chat,
                body=f"старое {number}",
                shown_at=start + timedelta(minutes=30 * number),
                changed_at=start,
            )
        return chat.id


def test_the_page_says_when_the_server_does_not_answer_and_when_it_does_again(
    page: Page, context: BrowserContext, shop: str
) -> None:
    page.goto(shop)
    context.set_offline(True)
    expect(page.locator("#connection-lost")).to_be_visible()
    context.set_offline(False)
    expect(page.locator("#connection-lost")).to_be_hidden()


def test_logging_out_unlinks_the_phone_and_reconnecting_brings_a_new_code(
    page: Page, shop: str
) -> None:
    page.goto(shop)
    page.locator("#state").get_by_role("link", name="Выйти").click()
    page.get_by_role("button", name="Выйти", exact=True).click()
    expect(page.locator("#state-title")).to_contain_text(
        "Выход выполнен здесь", timeout=LINKED_WITHIN
    )
    page.get_by_role("button", name="Переподключить").click()
    expect(page.locator("#state .qr svg")).to_be_visible(timeout=LINKED_WITHIN)
    page.get_by_role("button", name="Отсканировать тестовым телефоном").click()
    expect(page.locator("#state-title")).to_contain_text("Подключено", timeout=LINKED_WITHIN)
