"""Files sent from the page in a real browser: chosen, dropped, pasted, refused, taken back."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.e2e.test_main_job import administrator, open_echo, shop  # noqa: F401 - fixtures
from tests.moving import moving
from tests.product import Product, running_product
from tests.slow_line import Line, line_to

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

MIB = 1024 * 1024
LIMIT = 12 * MIB
"""More than a slow line hides from the browser."""

# What a person drops or pastes reaches a page as a DataTransfer of files.
_BRING = """([kind, files]) => {
  const data = new DataTransfer();
  for (const [name, type, content] of files) {
    const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
    data.items.add(new File([bytes], name, { type }));
  }
  const place = document.querySelector(kind === "paste" ? "#text" : "#scroll");
  const options = { bubbles: true, cancelable: true };
  place.dispatchEvent(kind === "paste"
    ? new ClipboardEvent("paste", { ...options, clipboardData: data })
    : new DragEvent(kind, { ...options, dataTransfer: data }));
}"""


def picture(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 400), colour).save(out, "PNG")
    return out.getvalue()


def bring(page: Page, kind: str, *files: tuple[str, str, bytes]) -> None:
    """Has `files` (name, type, content) dropped on the page or pasted into it."""
    written = [(name, mime, base64.b64encode(content).decode()) for name, mime, content in files]
    page.evaluate(_BRING, [kind, written])


def tray(page: Page) -> Locator:
    return page.locator(".attach-item")


def bubbles(page: Page) -> Locator:
    return page.locator(".bubble-out:not(.bubble-pending)")


@pytest.fixture(scope="module")
def product(module_folder: Path) -> Iterator[Product]:
    """The product on the test network, which takes files up to LIMIT."""
    with running_product(
        module_folder, SANDBOX="1", SEND_GAP_MS="50", MAX_UPLOAD_MB=str(LIMIT // MIB)
    ) as running:
        yield running


@pytest.fixture
def chat(page: Page, shop: str) -> Page:  # noqa: F811
    """The conversation with the contact that answers everything."""
    open_echo(page, shop)
    return page


@pytest.fixture
def line(page: Page, product: Product) -> Iterator[Line]:
    """What the browser of `far_chat` is connected through."""
    with line_to(product.port) as line:
        yield line
        page.goto("about:blank")  # it would go on polling


@pytest.fixture
def far_chat(line: Line, page: Page, product: Product, shop: str) -> Page:  # noqa: F811
    """The same conversation over a line that can be held."""
    open_echo(page, line.address + shop.removeprefix(product.address))
    return page


def test_several_files_are_chosen_one_is_taken_out_and_the_rest_is_sent_with_its_caption(
    chat: Page,
) -> None:
    before = bubbles(chat).count()
    chat.get_by_text("Прикрепить файл", exact=True).click()
    chat.locator("#attach-files").set_input_files(
        [
            {"name": "пионы.png", "mimeType": "image/png", "buffer": picture("pink")},
            {"name": "лишнее.txt", "mimeType": "text/plain", "buffer": b"no"},
            {"name": "счёт.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 bill"},
        ]
    )
    expect(tray(chat)).to_have_count(3)
    expect(tray(chat).first.locator("img")).to_be_visible()
    expect(tray(chat).first).to_contain_text("пионы.png")
    tray(chat).nth(1).get_by_role("button", name="Убрать").click()
    chat.get_by_label("Подпись").fill("Вот такие")
    chat.get_by_role("button", name="Отправить медиафайл").click()

    expect(bubbles(chat)).to_have_count(before + 2)
    first = bubbles(chat).nth(before)
    expect(first).to_contain_text("Вот такие")
    expect(first.locator("img.media-picture")).to_be_visible()
    expect(bubbles(chat).last).to_contain_text("счёт.pdf")
    expect(chat.locator("#attach")).not_to_have_attribute("open", "")
    expect(bubbles(chat).last.locator(".ticks")).to_have_attribute("title", "Прочитано")
    expect(
        chat.locator(".bubble-in img.media-picture").last
    ).to_be_visible()  # the echo brings it back
    line = chat.locator("#lines .chat-line-text").first
    expect(line).to_contain_text("Документ: ")


def test_a_picture_goes_as_a_sticker_and_what_moves_as_a_gif(chat: Page) -> None:
    before = bubbles(chat).count()
    chat.get_by_text("Прикрепить файл", exact=True).click()
    chat.locator("#attach-files").set_input_files(
        [
            {"name": "кот.png", "mimeType": "image/png", "buffer": picture("pink")},
            {"name": "танец.gif", "mimeType": "image/gif", "buffer": moving("GIF", 8)},
            {"name": "счёт.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 bill"},
        ]
    )
    choices = tray(chat).locator("select:visible")
    expect(choices).to_have_count(2)  # a document is one
    expect(choices.nth(1).locator("option")).to_have_text(
        ["GIF", "Отправить как стикер", "Документ"]
    )
    chat.get_by_label("Отправить как: кот.png").select_option(label="Отправить как стикер")
    chat.get_by_role("button", name="Отправить медиафайл").click()

    expect(bubbles(chat)).to_have_count(before + 3)
    expect(bubbles(chat).nth(before).locator(".media-of-sticker img")).to_be_visible()
    gif = bubbles(chat).nth(before + 1).locator(".media-of-gif video")
    expect(gif).to_have_js_property("loop", True)
    expect(bubbles(chat).last.locator(".ticks")).to_have_attribute("title", "Прочитано")
    # The contact that answers everything has got both, and sends them back.
    expect(chat.locator(".bubble-in .media-of-sticker img").last).to_be_visible()
    expect(chat.locator(".bubble-in .media-of-gif video").last).to_be_visible()


def test_files_are_dropped_and_pasted_and_all_can_be_taken_back(chat: Page) -> None:
    before = bubbles(chat).count()
    bring(chat, "dragover", ("a.png", "image/png", picture("red")))
    expect(chat.locator(".conversation")).to_have_class(re.compile("attach-over"))
    bring(chat, "drop", ("a.png", "image/png", picture("red")))
    expect(chat.locator(".conversation")).not_to_have_class(re.compile("attach-over"))
    bring(chat, "paste", ("b.png", "image/png", picture("blue")))
    expect(tray(chat)).to_have_count(2)
    chat.get_by_role("button", name="Отмена", exact=True).click()
    expect(tray(chat)).to_have_count(0)
    assert bubbles(chat).count() == before

    bring(chat, "drop", ("c.png", "image/png", picture("green")))
    expect(chat.get_by_label("Подпись")).to_be_focused()
    chat.keyboard.press("Enter")
    expect(bubbles(chat)).to_have_count(before + 1)


def test_a_file_over_the_limit_is_named_beside_it_before_anything_is_sent(chat: Page) -> None:
    asked: list[str] = []
    chat.on("request", lambda request: asked.append(request.url) if "/files" in request.url else 0)
    bring(chat, "drop", ("film.bin", "application/octet-stream", b"x" * (LIMIT + 1)))
    expect(tray(chat)).to_contain_text("Файл может быть не больше 12 МБ.")
    expect(chat.get_by_role("button", name="Отправить медиафайл")).to_be_disabled()
    tray(chat).get_by_role("button", name="Убрать").click()
    expect(tray(chat)).to_have_count(0)
    assert asked == []


def test_a_slow_upload_shows_how_far_it_is_and_can_be_broken_off(
    line: Line, far_chat: Page
) -> None:
    before = bubbles(far_chat).count()
    line.hold_requests()
    bring(far_chat, "drop", ("long.bin", "application/octet-stream", b"\x01" * LIMIT))
    far_chat.get_by_role("button", name="Отправить медиафайл").click()
    bar = tray(far_chat).get_by_role("progressbar", name="Передача файла")
    expect(bar).to_be_visible()
    expect(bar).not_to_have_js_property("value", 0)
    expect(tray(far_chat).get_by_role("button", name="Убрать")).to_be_enabled()
    far_chat.get_by_role("button", name="Отмена", exact=True).click()
    expect(tray(far_chat)).to_have_count(0)
    expect(far_chat.locator("#attach-news")).to_be_empty()
    line.release()
    far_chat.reload()
    far_chat.get_by_label("Сообщение", exact=True).fill("Файла не будет")
    far_chat.keyboard.press("Enter")
    expect(bubbles(far_chat).last.locator(".ticks")).to_have_attribute("title", "Прочитано")
    expect(bubbles(far_chat).last).to_contain_text("Файла не будет")
    expect(bubbles(far_chat)).to_have_count(before + 1)


def test_a_file_that_was_handed_over_can_no_longer_be_broken_off(
    line: Line, far_chat: Page
) -> None:
    before = bubbles(far_chat).count()
    bring(far_chat, "drop", ("short.bin", "application/octet-stream", b"\x01" * 1000))
    line.hold_answers()
    far_chat.get_by_role("button", name="Отправить медиафайл").click()
    expect(tray(far_chat).get_by_role("button", name="Убрать")).to_be_disabled()
    far_chat.get_by_role("button", name="Отмена", exact=True).click()
    expect(tray(far_chat)).to_have_count(1)
    line.release()
    expect(tray(far_chat)).to_have_count(0)
    expect(bubbles(far_chat)).to_have_count(before + 1)
