"""What a person is called, everywhere by one rule, and by what they are found in a list."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from app.core.phones import digits_of_number, lid_jid, show_phone

SORT_LENGTH = 120
SEARCH_LENGTH = 400
_NAMELESS = "\uffff"
"""Stands before a number in a sort key: behind every name."""


def person_name(*names: str, phone: str | None, lid: str | None) -> str:
    """The first of `names` that there is, else the number as people write it, else the address.

    The order of `names` is the house's: saved here, the phone's address book, what the person
    calls themselves.
    """
    return next(filter(None, names), "") or show_phone(phone) or lid_jid(lid or "")


def fold(text: str) -> str:
    """`text` as it is compared: upper and lower case, "ё" and "е" alike, blanks collapsed.

    SQLite folds the case of Latin letters only, so folded text is kept in columns of its own.
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("ё", "е").split())


def sort_key(name: str, phone: str | None, lid: str | None) -> str:
    """Where a person stands in a list by name; who has none comes last, by number."""
    return (fold(name) or f"{_NAMELESS}{phone or lid or ''}")[:SORT_LENGTH]


def search_text(*names: str, phones: Sequence[str]) -> str:
    """What a person is found by: the digits of their numbers and all their names."""
    known = list(dict.fromkeys(filter(None, map(fold, names))))
    return "\n".join([*(phones or [""]), *known])[:SEARCH_LENGTH]


def words_to_find(text: str, *, country: str) -> list[str]:
    """What has to stand in a search text, all of it, where somebody looks for `text`: its words,
    or the digits of a number, which may be written in any notation (`country` is where from)."""
    if any(map(str.isalpha, text)) or not any(map(str.isdecimal, text)):
        return fold(text).split()
    return [digits_of_number(text, country=country)]
