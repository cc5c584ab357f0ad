"""Contacts as files that Excel and phones read right."""

from __future__ import annotations

import csv
import io

import pytest
from flask.ctx import AppContext

from app.extensions import db
from app.models import Instance, User
from app.services import contact_exports
from app.services.contact_lists import Source, Wish
from tests import factories

HEADS = ["Имя", "Номер", "Book", "Push", "Business", "Tags", "Note", "Id"]


@pytest.fixture
def shop(app_context: AppContext, bob: User) -> Instance:
    return db.session.get_one(Instance, factories.instance(bob).id)


def rows(shop: Instance, text: str = "") -> list[list[str]]:
    wish = Wish(Source.DATABASE, text)
    content = "".join(contact_exports.as_csv(shop, wish, HEADS, country="RU"))
    assert content.startswith("\ufeffИмя;Номер")
    return list(csv.reader(io.StringIO(content.removeprefix("\ufeff")), delimiter=";"))[1:]


def cards(shop: Instance) -> str:
    return "".join(contact_exports.as_vcards(shop, Wish(Source.DATABASE), country="RU"))


def test_a_line_has_names_and_a_number_that_is_a_text(shop: Instance) -> None:
    facts = {"push_name": "Masha", "tags": ["VIP", "опт"], "note": "Two\nlines"}
    factories.contact(shop, phone="79161234567", name="Мария; «Цветы»", **facts)
    (row,) = rows(shop)
    assert row[:5] == ["Мария; «Цветы»", "7 916 123-45-67", "", "Masha", ""]
    assert row[5:] == ["VIP, опт", "Two\nlines", "79161234567@s.whatsapp.net", ""]


@pytest.mark.parametrize("name", ["=1+1", "+7", "-2+3", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_a_name_is_never_a_formula(shop: Instance, name: str) -> None:
    factories.contact(shop, name=name)
    assert rows(shop)[0][0] == f"'{name}"


def test_no_cell_begins_like_a_formula_for_who_has_no_name(shop: Instance) -> None:
    factories.contact(shop, phone="79161234567", name="")
    assert rows(shop)[0][:2] == ["'+7 916 123-45-67", "7 916 123-45-67"]


def test_everybody_is_in_the_file_once_and_only_who_was_searched_for(
    shop: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_exports, "PIECE", 2)
    names = ["Anna", "Boris", "Clara", "David", "Emma"]
    for name in names:
        factories.contact(shop, name=name)
    assert [row[0] for row in rows(shop)] == names
    assert [row[0] for row in rows(shop, "clar")] == ["Clara"]
    assert cards(shop).count("BEGIN:VCARD") == 5


def test_a_card_is_escaped_folded_and_has_a_number_to_call(shop: Instance) -> None:
    factories.contact(shop, phone="79161234567", name="Мария, дом; 2\\3 " + "и" * 60)
    factories.contact(shop, phone=None, lid="80001", name="Nobody to call")
    text = cards(shop)
    assert "TEL;TYPE=CELL:+79161234567\r\n" in text
    assert "FN:Мария\\, дом\\; 2\\\\3 и" in text
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    assert "и" * 60 in text.replace("\r\n ", "")
    assert "Nobody" not in text
