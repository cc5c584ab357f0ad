"""What a file of contacts says: how it is to be read, and its rows, each judged by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Any

from app.core.contact_tables import (
    DELIMITERS,
    ENCODINGS,
    FIELDS,
    ROW_CHARACTERS,
    Row,
    columns_of,
    delimiter_of,
    encoding_of,
    has_head,
    is_utf8_in_disguise,
    lines_of,
    plain,
    rows_of,
)
from app.core.errors import Invalid
from app.core.phones import normalize_phone
from app.core.texts import N_
from app.core.vcards import cards_of
from app.models.contact import NAME_LENGTH
from app.services.contacts import (
    MOST_TAGS,
    NOTE_LENGTH,
    TAG_LENGTH,
    checked_name,
    checked_note,
    checked_tags,
)

CSV, VCARD = "csv", "vcard"
MOST_ROWS = 1_000_000
SAMPLE_ROWS = 20
Open = Callable[[], Iterable[bytes]]

# Why a row is no contact, in words; what is not here is told as it is where contacts are typed.
PROBLEMS: dict[str, tuple[str, dict[str, int]]] = {
    "phone_missing": (N_("There is no number in this row."), {}),
    "bad_phone": (
        N_("This is not a phone number. Write it with the country code, like +7 916 123-45-67."),
        {},
    ),
    "name_too_long": (
        N_("The name may have at most %(count)d characters."),
        {"count": NAME_LENGTH},
    ),
    "note_too_long": (
        N_("The note may have at most %(count)d characters."),
        {"count": NOTE_LENGTH},
    ),
    "too_many_tags": (N_("A contact may have at most %(count)d tags."), {"count": MOST_TAGS}),
    "tag_too_long": (N_("A tag may have at most %(count)d characters."), {"count": TAG_LENGTH}),
    "row_too_long": (N_("The row has more than %(count)d characters."), {"count": ROW_CHARACTERS}),
    "quote_open": (N_("A quotation mark is opened in this row and never closed."), {}),
    "bad_characters": (
        N_("Characters of this row cannot be read: the file is in another encoding."),
        {},
    ),
    "too_many_rows": (
        N_("The file has more than %(count)d rows: this row and all behind it were left out."),
        {"count": MOST_ROWS},
    ),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file is read. columns: which column (from 0) has which of FIELDS; a vCard says so."""

    kind: str = CSV
    encoding: str = "utf-8"
    delimiter: str = ";"
    head: bool = True
    columns: dict[str, int] = field(default_factory=dict)

    @property
    def stored(self) -> dict[str, Any]:
        """As it is written into a row."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a file, as it says itself."""

    row: int
    name: str = ""
    phone: str = ""
    tags: str = ""
    note: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A row with its number, name, tags and note as contacts have them, or what is wrong."""

    entry: Entry
    phone: str = ""
    name: str = ""
    tags: list[str] = field(default_factory=list)
    note: str = ""
    problem: str = ""


def kind_of(head: bytes, encoding: str) -> str:
    """Whether a file that begins with `head` is a table or vCards."""
    text = head.decode(encoding, "replace").lstrip("\ufeff \r\n\t").upper()
    return VCARD if text.startswith("BEGIN:VCARD") else CSV


def detected(opened: Open, **wished: Any) -> Plan:
    """How the file seems to be written, but for what is `wished`: encoding, delimiter, head."""
    encoding = wished.get("encoding") or encoding_of(opened())
    if kind_of(next(iter(opened()), b""), encoding) == VCARD:
        return Plan(VCARD, encoding)
    lines = list(islice(lines_of(opened(), encoding), SAMPLE_ROWS * 2))
    delimiter = wished.get("delimiter") or delimiter_of(lines)
    rows = list(islice(rows_of(iter(lines), delimiter), SAMPLE_ROWS))
    head_there = wished.get("head")
    head_there = has_head(rows) if head_there is None else head_there
    return Plan(CSV, encoding, delimiter, head_there, columns_of(rows, head=head_there))


def checked(plan: Plan) -> Plan:
    """Raises Invalid for what cannot be read so."""
    if plan.encoding not in ENCODINGS:
        raise Invalid(N_("This encoding is not known."), field="encoding", code="bad_encoding")
    if plan.delimiter not in DELIMITERS:
        raise Invalid(N_("This separator is not known."), field="delimiter", code="bad_delimiter")
    if plan.kind == CSV and "phone" not in plan.columns:
        message = N_("Say which column has the phone numbers.")
        raise Invalid(message, field="phone", code="column_missing")
    if not set(plan.columns) <= set(FIELDS) or any(place < 0 for place in plan.columns.values()):
        raise Invalid(N_("There is no such column."), field="columns", code="bad_column")
    return plan


def sample_of(opened: Open, plan: Plan) -> list[Row]:
    """The first rows of a table as they stand there."""
    lines = islice(lines_of(opened(), plan.encoding), SAMPLE_ROWS * 2)
    return list(islice(rows_of(lines, plan.delimiter), SAMPLE_ROWS))


def entries_of(opened: Open, plan: Plan) -> Iterator[Entry]:
    """The rows of the file; a person with several numbers is as many rows. The last one stands for
    all behind it where there are more than MOST_ROWS."""
    lines = lines_of(opened(), plan.encoding)
    found = _of_cards(lines) if plan.kind == VCARD else _of_table(lines, plan)
    if plan.encoding == "windows-1251":
        found = map(_told_if_disguised, found)
    yield from islice(found, MOST_ROWS)
    for beyond in islice(found, 1):
        yield Entry(beyond.row, problem="too_many_rows")


def judged(entry: Entry, *, country: str) -> Judged:
    """What is to be kept of a row, or why nothing is."""
    problem = entry.problem
    if not problem and not entry.phone:
        problem = "phone_missing"
    if not problem and "\ufffd" in f"{entry.name}{entry.phone}{entry.tags}{entry.note}":
        problem = "bad_characters"
    if problem:
        return Judged(entry, problem=problem)
    try:
        phone = normalize_phone(entry.phone, country=country, field="phone")
        name, note = checked_name(entry.name), checked_note(entry.note)
        tags = checked_tags(entry.tags.replace(";", ",").split(","))
    except Invalid as error:
        return Judged(entry, problem=error.code)
    is_number = not any(map(str.isalpha, name)) and "".join(filter(str.isdecimal, name)) == phone
    return Judged(entry, phone, "" if is_number else name, tags, note)


def _of_table(lines: Iterator[str], plan: Plan) -> Iterator[Entry]:
    places = [plan.columns.get(one, -1) for one in FIELDS]
    rows = rows_of(lines, plan.delimiter)
    for row in islice(rows, 1, None) if plan.head else rows:
        name, phone, tags, note = (_cell(row.cells, place) for place in places)
        yield Entry(row.number, name, phone, tags, note, row.problem)


def _told_if_disguised(entry: Entry) -> Entry:
    """A row that came into a file of Windows-1251 from one of UTF-8."""
    if any(map(is_utf8_in_disguise, (entry.name, entry.tags, entry.note))):
        return replace(entry, problem=entry.problem or "bad_characters")
    return entry


def _cell(cells: Sequence[str], place: int) -> str:
    return plain(cells[place]) if 0 <= place < len(cells) else ""


def _of_cards(lines: Iterator[str]) -> Iterator[Entry]:
    for card in cards_of(lines):
        tags = ",".join(tag.replace(",", " ") for tag in card.tags)
        for number in card.numbers or [""]:
            yield Entry(card.number, card.shown_name, number, tags, card.note)
