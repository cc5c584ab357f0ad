"""Groups as a person meets them: in the list, in the conversation, and made, changed and left."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.sandbox.client import SandboxClient
from tests.product import Product
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

EMAIL, PASSWORD = "anna@example.com", "correct horse battery staple"
PHONE, FRIEND, ECHO = "15551000002", "15551000012", "15551000010"
WITHIN = 30_000  # milliseconds


@pytest.fixture(scope="module")
def network(product: Product, module_folder: Path) -> SandboxClient:
    """The test network of the product."""
    state = json.loads((module_folder / "sandbox" / "sandbox.json").read_text())
    return SandboxClient(state["control_url"])


@pytest.fixture(scope="module")
def shop(context: BrowserContext, product: Product) -> str:
    """The path of an instance that the test phone is linked to."""
    page = context.new_page()
    page.goto(product.setup_path)
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Ваше имя").fill("Анна")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Создать учётную запись").click()
    page.get_by_role("link", name="Создать новый инстанс").click()
    page.get_by_label("Имя", exact=True).fill("Курьерская")
    page.get_by_role("button", name="Создать инстанс").click()
    expect(page.locator("#state .qr svg")).to_be_visible(timeout=WITHIN)
    page.get_by_role("button", name="Отсканировать тестовым телефоном").click()
    expect(page.locator("#state-title")).to_contain_text("Подключено", timeout=WITHIN)
    path = page.url
    page.close()
    return path


def test_a_group_is_made_on_the_page_and_talked_in(
    page: Page, shop: str, network: SandboxClient
) -> None:
    page.goto(f"{shop}/chat")
    page.get_by_role("link", name="Новая группа").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Название группы").fill("Смена")
    dialog.get_by_label("Номера телефонов").fill("+1 555 100-0012\n+1 555 100-0010")
    dialog.get_by_role("button", name="Создать группу").click()
    expect(page.locator(".conversation-name")).to_have_text("Смена", timeout=WITHIN)
    expect(page.locator("#group-open")).to_contain_text("3 участника")
    field = page.get_by_label("Сообщение", exact=True)
    field.fill("всем привет")
    field.press("Enter")
    sent = page.locator(".bubble-out", has_text="всем привет")
    expect(sent.locator(".ticks")).to_contain_text("Доставлено", timeout=WITHIN)
    group = next(one for one in network.groups() if one["subject"] == "Смена")
    network.send(FRIEND, group["jid"], "и вам")
    network.send(ECHO, group["jid"], "эхо тут")
    for text, name in (("и вам", "Молчун"), ("эхо тут", "Эхо")):
        bubble = page.locator(".bubble-in", has_text=text)
        expect(bubble).to_be_visible(timeout=WITHIN)
        expect(bubble.locator(".bubble-name")).to_have_text(name)


def test_what_others_do_stands_in_the_conversation(
    page: Page, shop: str, network: SandboxClient
) -> None:
    group = network.create_group(FRIEND, "Склад", [PHONE])
    page.goto(f"{shop}/chat")
    page.locator(".chat-line", has_text="Склад").click(timeout=WITHIN)
    network.rename_group(FRIEND, group, "Склад №2")
    expect(page.locator(".bubble-note", has_text="Склад №2")).to_contain_text(
        "Новое название группы: Склад №2 · Молчун", timeout=WITHIN
    )
    expect(page.locator(".conversation-name")).to_have_text("Склад №2")
    network.change_group(FRIEND, group, "add", [ECHO])
    expect(page.locator(".bubble-note", has_text="Добавлены")).to_contain_text(
        re.compile("Добавлены в группу: .*Эхо · Молчун"), timeout=WITHIN
    )
    expect(page.locator("#group-open")).to_contain_text("3 участника", timeout=WITHIN)


def test_an_admin_changes_members_name_and_link(
    page: Page, shop: str, network: SandboxClient
) -> None:
    name = f"Дневная {secrets.token_hex(2)}"
    network.create_group(PHONE, name, [FRIEND, ECHO])
    page.goto(f"{shop}/chat")
    page.locator(".chat-line", has_text=name).click(timeout=WITHIN)
    page.locator("#group-open").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".group-member")).to_have_count(3)
    dialog.get_by_label("Добавить по номеру").fill("+1 555 100-0011")
    dialog.get_by_role("button", name="Добавить").click()
    expect(dialog.locator(".group-member")).to_have_count(4, timeout=WITHIN)
    turtle = dialog.locator(".group-member", has_text="100-0011")  # the name may come later
    turtle.locator("summary").click()
    turtle.get_by_role("button", name="Назначить администратором").click()
    # Its menu has the word, too; what is written before the answer is here, goes with it.
    expect(turtle.locator(".tag")).to_have_text("администратор", timeout=WITHIN)
    dialog.get_by_label("Название группы").fill("Ночная")
    dialog.get_by_role("button", name="Переименовать").click()
    expect(dialog.locator("h2")).to_have_text("Ночная", timeout=WITHIN)
    dialog.get_by_role("button", name="Показать ссылку-приглашение").click()
    expect(dialog.get_by_label("Ссылка-приглашение")).to_have_value(
        re.compile("https://chat.whatsapp.com/.+"), timeout=WITHIN
    )
    group = next(one for one in network.groups() if one["subject"] == "Ночная")
    assert group["members"]["15551000011"] == "admin"
    assert dialog.get_by_label("Ссылка-приглашение").input_value().endswith(group["invite"])


def test_who_is_no_admin_sees_members_and_may_leave(
    page: Page, shop: str, network: SandboxClient
) -> None:
    group = network.create_group(FRIEND, "Чужая", [PHONE, ECHO])
    page.goto(f"{shop}/chat")
    page.locator(".chat-line", has_text="Чужая").click(timeout=WITHIN)
    page.locator("#group-open").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".group-member")).to_have_count(3)
    expect(dialog.get_by_role("button", name="Переименовать")).to_have_count(0)
    dialog.locator("#leave-group summary").click()
    dialog.get_by_role("button", name="Выйти из группы").click()
    expect(dialog).to_contain_text("Вы не состоите в этой группе", timeout=WITHIN)
    assert PHONE not in next(one for one in network.groups() if one["jid"] == group)["members"]
    page.reload()
    expect(page.locator(".conversation .composer")).to_contain_text("Вы не состоите в этой группе")


def test_a_member_is_named_by_a_few_letters(page: Page, shop: str, network: SandboxClient) -> None:
    group = network.create_group(PHONE, "Именная", [FRIEND, ECHO])
    page.goto(f"{shop}/chat")
    page.locator(".chat-line", has_text="Именная").click(timeout=WITHIN)
    expect(page.locator("#group-open")).to_contain_text("3 участника", timeout=WITHIN)
    field = page.locator("#text")
    field.press_sequentially("едет @мол")
    expect(page.locator("#mentions .mention")).to_have_text(re.compile("Молчун"))
    field.press("Enter")
    expect(field).to_have_value(f"едет @{FRIEND} ")
    expect(page.locator("#mentions")).to_be_hidden()
    field.press("Enter")
    bubble = page.locator(".bubble-out", has_text="едет")
    expect(bubble.locator(".bubble-text")).to_have_text("едет @Молчун", timeout=WITHIN)
    named = lambda: [  # noqa: E731
        e.get("mentions") for e in network.log() if e.get("to") == group and e["kind"] == "message"
    ]
    wait_for(lambda: any(named()), 30)
    lid = network.account(FRIEND)["lid"]
    assert [lid] in named()
    bubble.locator(".acts-open").click()
    page.get_by_role("dialog").get_by_role("link", name="Данные о сообщении").click()
    info = page.get_by_role("dialog")
    expect(info.locator("#info-delivered .group-member")).to_have_count(2, timeout=WITHIN)
    network.read(FRIEND, PHONE)
    expect(info.locator("#info-read .group-who")).to_have_text("Молчун", timeout=WITHIN)
    expect(info.locator("#info-delivered .group-member")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(bubble.locator(".ticks")).to_contain_text("Доставлено")  # not all have read it


def test_a_number_that_is_none_is_told_beside_its_field(page: Page, shop: str) -> None:
    page.goto(f"{shop}/chat")
    page.get_by_role("link", name="Новая группа").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Название группы").fill("Ошибка")
    dialog.get_by_label("Номера телефонов").fill("абв")
    dialog.get_by_role("button", name="Создать группу").click()
    expect(dialog.locator("#group-people-error")).to_contain_text("Это не номер телефона")
    expect(dialog.get_by_label("Название группы")).to_have_value("Ошибка")
