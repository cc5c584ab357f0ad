"""Voice messages recorded in a real browser, whose microphone is Chromium's own beeping one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, expect

from tests.e2e.conftest import ARGUMENTS, CHROMIUM, PHONE
from tests.e2e.test_main_job import administrator, open_echo, shop  # noqa: F401 - fixtures
from tests.look import measures

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
_REFUSED = """(name) => {
  navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("no", name); };
}"""


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium with a microphone that nobody has to allow."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH")
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *MICROPHONE])
    yield browser
    browser.close()


@pytest.fixture
def chat(page: Page, shop: str) -> Page:  # noqa: F811
    """The conversation with the contact that answers everything."""
    open_echo(page, shop)
    return page


def bubbles(page: Page) -> Locator:
    return page.locator(".bubble-out:not(.bubble-pending)")


def bar(page: Page) -> Locator:
    return page.get_by_role("group", name="Голосовое сообщение")


def begin(page: Page) -> None:
    page.get_by_role("button", name="Записать голосовое сообщение").click()


def record(page: Page, seconds: int = 1) -> None:
    begin(page)
    expect(bar(page).get_by_role("timer")).to_have_text(f"0:0{seconds}")


def press(page: Page, name: str) -> None:
    bar(page).get_by_role("button", name=name, exact=True).click()


def test_a_second_is_recorded_sent_and_stands_in_the_conversation(chat: Page) -> None:
    before = bubbles(chat).count()
    record(chat)
    expect(bar(chat)).to_contain_text("Идёт запись")
    expect(chat.locator("#voice-dot")).to_be_visible()
    expect(bar(chat).get_by_role("button", name="Отправить")).to_be_focused()
    press(chat, "Отправить")

    expect(bubbles(chat)).to_have_count(before + 1)
    sent = bubbles(chat).last
    expect(sent.get_by_label("Голосовое сообщение")).to_be_visible()
    expect(sent.locator(".media-length")).to_contain_text(re.compile("0:0[12]"))
    expect(sent.locator(".ticks")).to_have_attribute("title", "Прочитано")
    expect(bar(chat)).to_be_hidden()
    expect(chat.get_by_label("Сообщение", exact=True)).to_be_focused()
    # The echo brings it back, and the browser can play it.
    back = chat.locator(".bubble-in audio.media-sound").last
    expect(back).to_be_visible()
    length = """(sound) => new Promise((done) => {
      sound.addEventListener("loadedmetadata", () => done(sound.duration));
      sound.addEventListener("error", () => done(-1));
      sound.load(); sound.preload = "metadata";
    })"""
    assert 0.5 < float(back.evaluate(length)) < 4


def test_a_recording_can_be_taken_back_with_the_keyboard(chat: Page) -> None:
    before = bubbles(chat).count()
    chat.get_by_role("button", name="Записать голосовое сообщение").focus()
    chat.keyboard.press("Enter")
    expect(bar(chat).get_by_role("timer")).to_have_text("0:01")
    chat.keyboard.press("Shift+Tab")
    expect(bar(chat).get_by_role("button", name="Отмена")).to_be_focused()
    chat.keyboard.press("Enter")

    expect(bar(chat)).to_be_hidden()
    expect(chat.get_by_role("button", name="Записать голосовое сообщение")).to_be_focused()
    assert bubbles(chat).count() == before


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("NotAllowedError", "Микрофон не разрешён."),
        ("NotFoundError", "Микрофон не найден."),
        ("NotReadableError", "Микрофон не отвечает"),
    ],
)
def test_a_microphone_that_is_not_to_be_had_is_told_in_the_bar(
    chat: Page, error: str, sentence: str
) -> None:
    chat.evaluate(_REFUSED, error)
    begin(chat)

    expect(bar(chat)).to_contain_text(sentence)
    expect(bar(chat).get_by_role("button", name="Отправить")).to_be_hidden()
    press(chat, "Отмена")
    expect(bar(chat)).to_be_hidden()


def test_a_browser_that_cannot_record_says_so(chat: Page) -> None:
    chat.evaluate("() => { delete window.MediaRecorder; }")
    begin(chat)

    expect(bar(chat)).to_contain_text("Этот браузер не умеет записывать звук.")


def test_a_recording_that_is_not_taken_stays_and_is_sent_once(chat: Page) -> None:
    before, keys = bubbles(chat).count(), []
    taken = False

    def answer(route) -> None:  # type: ignore[no-untyped-def]
        """The first is lost before the server has it, the second on the way back."""
        nonlocal taken
        found = re.search(rb'name="key"\r\n\r\n(\w{32})', route.request.post_data_buffer)
        keys.append(found[1])
        if len(keys) == 2:
            route.fetch()
            taken = True
        if len(keys) < 3:
            route.abort()
        else:
            route.continue_()

    chat.route("**/voice", answer)
    record(chat)
    press(chat, "Отправить")
    for _ in range(2):
        expect(bar(chat)).to_contain_text("Запись на месте.")
        expect(bar(chat).get_by_role("button", name="Отправить")).to_be_focused()
        press(chat, "Отправить")

    expect(bar(chat)).to_be_hidden()
    expect(bubbles(chat)).to_have_count(before + 1)
    assert taken
    assert len(keys) == 3
    assert len(set(keys)) == 1
    chat.unroute("**/voice")
    chat.reload()
    expect(bubbles(chat)).to_have_count(before + 1)


def test_a_recording_ends_by_itself_when_it_is_as_long_as_it_may_be(chat: Page) -> None:
    before = bubbles(chat).count()
    chat.locator("#voice").evaluate("(bar) => { bar.dataset.longest = '1'; }")
    begin(chat)

    expect(bar(chat)).to_contain_text("Записано 15 минут")
    press(chat, "Отправить")
    expect(bubbles(chat)).to_have_count(before + 1)


def test_the_bar_fits_a_phone_in_both_themes_and_passes_axe(
    context: BrowserContext,
    page: Page,
    shop: str,  # noqa: F811
) -> None:
    page.set_viewport_size(PHONE)
    open_echo(page, shop)
    record(page)
    for theme in ("light", "dark"):
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        assert measures.layout_problems(page) + measures.axe_problems(page) == []
    press(page, "Отмена")


def test_without_scripts_there_is_no_button(
    chromium: Browser,
    context: BrowserContext,
    page: Page,
    shop: str,  # noqa: F811
) -> None:
    open_echo(page, shop)
    plain = chromium.new_context(java_script_enabled=False, storage_state=context.storage_state())
    tab = plain.new_page()
    tab.goto(page.url)
    expect(tab.get_by_label("Сообщение", exact=True)).to_be_visible()
    expect(tab.locator("#voice-open")).to_be_hidden()
    plain.close()
