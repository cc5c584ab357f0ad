from __future__ import annotations

import pytest

from app.core.searching import excerpt, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ёлки, ели; ЁЛКИ!", ["елки", "ели"]),
        ("order_17 №5", ["order", "17", "no5"]),
        ("\x00 — ", []),
        ("STRASSE Straße", ["strasse"]),
    ],
)
def test_words_are_folded_and_told_once(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_an_excerpt_shows_what_was_found_with_what_is_around_it() -> None:
    text = "а " * 100 + "белые ПИОНЫ сегодня" + " б" * 100
    parts = excerpt(text, ["пион"], length=40)
    assert [part for part, found in parts if found] == ["ПИОНЫ"]
    assert parts[0] == ("…", False) and parts[-1] == ("…", False)
    assert len("".join(part for part, _ in parts)) <= 42


def test_an_excerpt_of_a_short_text_is_the_text() -> None:
    assert excerpt("Пионы\nесть", ["есть"]) == [("Пионы ", False), ("есть", True)]
