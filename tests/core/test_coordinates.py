"""Coordinates as they are typed and pasted."""

from __future__ import annotations

import pytest

from app.core.coordinates import degrees_of, pair_of


@pytest.mark.parametrize(
    "text",
    [
        "55.7558, 37.6173",
        "55.7558,37.6173",
        " 55.7558 37.6173 ",
        "55.7558; 37.6173",
        "55.7558°, 37.6173°",
    ],
)
def test_two_numbers_in_one_field_are_set_apart(text: str) -> None:
    assert pair_of(text, "") == ("55.7558", "37.6173")
    assert pair_of(" ", text) == ("55.7558", "37.6173")


@pytest.mark.parametrize("text", ["55,7558, 37,6173", "55,7558,37,6173", "55,7558; 37,6173"])
def test_a_decimal_comma_is_none_between_two_numbers(text: str) -> None:
    assert pair_of(text, "") == ("55,7558", "37,6173")


def test_one_number_a_field_stays_where_it_is() -> None:
    assert pair_of("55,7558", "") == ("55,7558", "")
    assert pair_of("55.7558", "37.6173") == ("55.7558", "37.6173")
    assert pair_of("55.7558, 37.6173", "37") == ("55.7558, 37.6173", "37")


@pytest.mark.parametrize(
    ("text", "degrees"),
    [("55.7558", 55.7558), ("55,7558", 55.7558), ("−0,5", -0.5), ("+12°", 12.0), (" 7 ", 7.0)],
)
def test_a_number_is_read_in_any_notation(text: str, degrees: float) -> None:
    assert degrees_of(text) == degrees


@pytest.mark.parametrize("text", ["", "north", "1e5", "nan", "inf", "1.2.3", "5555"])
def test_anything_else_is_no_number(text: str) -> None:
    assert degrees_of(text) is None
