"""What people are called, and how they are found."""

from __future__ import annotations

import pytest

from app.core.naming import fold, person_name, search_text, sort_key, words_to_find

RUSSIA = "RU"


def is_found(text: str, search: str) -> bool:
    return all(word in search for word in words_to_find(text, country=RUSSIA))


@pytest.mark.parametrize(
    ("names", "phone", "shown"),
    [
        (("Saved", "Book", "Push"), "79161234567", "Saved"),
        (("", "Book", "Push"), "79161234567", "Book"),
        (("", "", "Push"), "79161234567", "Push"),
        (("", "", ""), "79161234567", "+7 916 123-45-67"),
        (("", "", ""), None, "123456@lid"),
    ],
)
def test_a_person_has_the_best_name_there_is(
    names: tuple[str, ...], phone: str | None, shown: str
) -> None:
    assert person_name(*names, phone=phone, lid="123456") == shown


def test_the_nameless_come_behind_everybody_by_number() -> None:
    people = [("", "79160000002"), ("Яна", "1"), ("", "79160000001"), ("anna", "2"), ("Ёлка", "3")]
    ordered = sorted(people, key=lambda one: sort_key(*one, None))
    assert [name or phone for name, phone in ordered] == [
        *("anna", "Ёлка", "Яна"),
        *("79160000001", "79160000002"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("серг", "ЛЁНА", "лена", "Сергеевна Алёна", "fox", "FOX"),
        *("+7 916 123-45-67", "8 (916) 123", "8916123", "916 123", "4567", "007916123"),
    ],
)
def test_a_name_is_found_in_any_part_and_a_number_in_any_notation(text: str) -> None:
    assert is_found(text, search_text("Алёна Сергеевна", "Fox", phones=["79161234567"]))


@pytest.mark.parametrize("text", ["Алена Петровна", "916 124", "9 16 1234567 8", "box"])
def test_what_is_not_there_is_not_found(text: str) -> None:
    assert not is_found(text, search_text("Алёна Сергеевна", "Fox", phones=["79161234567"]))


def test_folded_text_is_blind_to_case_blanks_and_width() -> None:
    assert fold("  ЖЁЛТЫЙ \n ＦＯＸ ") == "желтый fox"
