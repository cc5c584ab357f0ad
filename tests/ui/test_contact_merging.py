"""Duplicates on the pages: found, looked at, merged."""

from __future__ import annotations

import pytest
from flask import Flask

from app.extensions import db
from app.models import Contact, Instance, User
from tests import factories
from tests.ui.browser import Browser, filled_form, only, soup, words


@pytest.fixture
def path(shop: Instance) -> str:
    """The address of the shop's contacts."""
    return f"/ui/instances/{shop.id}/contacts"


@pytest.fixture
def annas(app: Flask, shop: Instance) -> list[str]:
    """The ids of two contacts with one name."""
    with app.app_context():
        return [
            factories.contact(shop, name="Анна", phone="79161234567", note="Пионы").id,
            factories.contact(shop, name="анна", phone="79261112233", tags=["VIP"]).id,
        ]


def kept(app: Flask) -> list[tuple[str, list[str]]]:
    with app.app_context():
        return [
            (one.name, [n.phone or "" for n in one.numbers]) for one in db.session.query(Contact)
        ]


def test_duplicates_are_found_looked_at_and_merged(
    app: Flask, bobs: Browser, annas: list[str], path: str
) -> None:
    shown = bobs.get(f"{path}?source=database")
    page = bobs.get(str(only(shown, "#find-duplicates")["href"]))
    assert "Одинаковое имя" in words(page)
    assert "+7 926 111-22-33" in words(page, "[data-group]")
    boxes = soup(page).select("[data-group] input[name=contact]")
    assert [box["value"] for box in boxes] == annas
    look = bobs.get(f"{only(page, '[data-group]')['action']}?contact={annas[0]}&contact={annas[1]}")
    form = filled_form(look, "#merge") | {"contact": annas, "keep": annas[1], "name": "Анна"}  # type: ignore[dict-item]
    assert (form["tags"], form["note"]) == ("VIP", "Пионы")
    told = bobs.get(bobs.post(str(only(look, "#merge")["action"]), form).location)
    assert "Контакты объединены: Анна." in words(told, "#alerts")
    assert kept(app) == [("Анна", ["79161234567"])]
    assert "+7 916 123-45-67" in words(told, f"#contact-{annas[1]}")
    assert "Дубликатов нет" in words(bobs.get(f"{path}/duplicates"))


def test_the_chosen_ones_are_merged_after_a_look(
    app: Flask, bobs: Browser, annas: list[str], path: str
) -> None:
    answer = bobs.post(f"{path}/selection", {"act": "merge", "contact": annas})
    assert "Объединить 2 контакта в один?" in words(bobs.get(answer.location), "#merge")
    assert len(kept(app)) == 2
    alone = bobs.post(f"{path}/selection", {"act": "merge", "contact": annas[:1]})
    told = bobs.get(bobs.get(alone.location).location)
    assert "Выберите хотя бы два контакта" in words(told, "#alerts")


def test_what_cannot_be_merged_is_said_and_what_was_typed_stays(
    app: Flask, bobs: Browser, annas: list[str], path: str
) -> None:
    form = {"contact": annas, "keep": annas[0], "name": "Анна", "note": "x" * 2001, "tags": "a"}
    answer = bobs.post(f"{path}/merge", form)
    assert answer.status_code == 422
    assert "не длиннее 2000" in words(answer, "#merge-problem")
    again = filled_form(answer, "#merge")
    assert (len(again["note"]), again["tags"]) == (2001, "a")
    assert only(answer, "[name=name][checked]")["value"] == "Анна"
    assert len(kept(app)) == 2


def test_the_other_numbers_have_their_chats_in_the_menu_and_can_be_forgotten(
    app: Flask, bobs: Browser, shop: Instance, annas: list[str], path: str
) -> None:
    with app.app_context():
        chat = factories.chat(factories.linked_account(shop), phone="79261112233", lid=None)
    bobs.post(f"{path}/merge", {"contact": annas, "keep": annas[0], "name": "Анна", "tags": ""})
    listed = bobs.get(f"{path}?source=database")
    assert "Чат: +7 926 111-22-33" in words(listed, f"#chat-{chat.id}")
    place = f"{path}/{annas[0]}/edit"
    form = filled_form(bobs.get(place), "#edit-contact") | {"drop": annas[1]}
    assert bobs.post(place, form).status_code == 303
    assert kept(app) == [("Анна", [])]


def test_somebody_elses_contacts_are_merged_by_nobody(
    app: Flask, bobs: Browser, charlie: User, annas: list[str], path: str
) -> None:
    with app.app_context():
        theirs = factories.contact(factories.instance(charlie), name="Анна").id
    form = {"contact": [annas[0], theirs], "keep": annas[0], "name": "Анна"}
    told = bobs.get(bobs.post(f"{path}/merge", form).location)
    assert "Такого контакта нет" in words(told, "#alerts")
    assert len(kept(app)) == 3
