"""vCards as phones and address books write them (2.1, 3.0, 4.0), read as a stream: folded lines,
quoted-printable, several numbers. What is of no use for a contact, such as a photograph, is passed
over without being kept."""

from __future__ import annotations

import codecs
import quopri
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

VALUE_CHARACTERS = 20_000
"""What is longer is no name and no note."""
CARD_NUMBERS = 50
_HEAD = re.compile(r"(?:[\w-]+\.)?(?P<name>[\w-]+)(?P<parameters>(?:;[^:]*)?):", re.ASCII)
_ESCAPED = re.compile(r"\\(.)", re.S)
_KNOWN = frozenset({"BEGIN", "END", "FN", "N", "ORG", "TEL", "NOTE", "CATEGORIES"})


@dataclass(slots=True)
class Card:
    """A person of the file: what they are called, their numbers, tags and note."""

    number: int
    name: str = ""
    parts: str = ""  # the name in its parts, for cards that have no other
    company: str = ""
    numbers: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    note: str = ""

    @property
    def shown_name(self) -> str:
        """The best name there is."""
        return self.name or self.parts or self.company


def cards_of(lines: Iterable[str]) -> Iterator[Card]:
    """The cards, one after the other; a card that is not ended ends where the next one begins."""
    card, number = None, 0
    for name, parameters, value in _properties(lines):
        if name == "BEGIN" and value.strip().upper() == "VCARD":
            if card is not None:
                yield card
            number += 1
            card = Card(number)
        elif name == "END" and card is not None:
            yield card
            card = None
        elif card is not None:
            _take(card, name, _decoded(value, parameters))
    if card is not None:
        yield card


def _properties(lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Names, parameters and values of what matters, unfolded."""
    for line in _unfolded(lines):
        found = _HEAD.match(line)
        if found is not None and found["name"].upper() in _KNOWN:
            yield found["name"].upper(), found["parameters"].upper(), line[found.end() :]


def _unfolded(lines: Iterable[str]) -> Iterator[str]:
    """Lines with their continuations: those that begin with a blank, and what follows a
    quoted-printable line that ends with "="."""
    whole, is_quoted = "", False
    for line in lines:
        line = line.rstrip("\r\n").replace("\0", "")
        if is_quoted and whole.endswith("="):
            whole = whole[:-1] + line
        elif line[:1] in (" ", "\t"):
            whole += line[1:]
        else:
            if whole:
                yield whole
            whole = line
            head = line.partition(":")[0].upper()
            is_quoted = "QUOTED-PRINTABLE" in head
        whole = whole[:VALUE_CHARACTERS]
    if whole:
        yield whole


def _decoded(value: str, parameters: str) -> str:
    if "QUOTED-PRINTABLE" not in parameters:
        return value
    found = re.search(r"CHARSET=\"?([\w-]+)", parameters)
    charset = found[1] if found else "utf-8"
    try:
        codecs.lookup(charset)
    except LookupError:
        charset = "utf-8"
    octets = quopri.decodestring(value.encode("ascii", "replace"))
    return octets.decode(charset, "replace")


def _take(card: Card, name: str, value: str) -> None:
    if name == "FN":
        card.name = card.name or _text(value)
    elif name == "N":
        card.parts = card.parts or _name_of(value)
    elif name == "ORG":
        card.company = card.company or " ".join(filter(None, map(_text, _split(value, ";"))))
    elif name == "NOTE":
        card.note = card.note or _text(value)
    elif name == "CATEGORIES":
        card.tags += filter(None, map(_text, _split(value, ",")))
    elif name == "TEL" and len(card.numbers) < CARD_NUMBERS:
        number = _text(value)
        number = number[4:] if number.lower().startswith("tel:") else number
        number = number.partition(";")[0].strip()
        if number and number not in card.numbers:
            card.numbers.append(number)


def _name_of(value: str) -> str:
    """Family; given; additional; before; after: as one says it."""
    family, given, additional, before, after = ([*map(_text, _split(value, ";"))] + [""] * 5)[:5]
    return " ".join(filter(None, (before, given, additional, family, after)))


def _split(value: str, sign: str) -> list[str]:
    return re.split(rf"(?<!\\){re.escape(sign)}", value)


def _text(value: str) -> str:
    return _ESCAPED.sub(lambda one: "\n" if one[1] in "nN" else one[1], value).strip()
