"""Tables of contacts as people have them (CSV, in whatever spelling a spreadsheet writes it): read
as a stream, row by row, so that a file of any size takes the same memory. What is wrong with a row
is a word in it, and ends nothing."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from app.core.naming import fold

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "windows-1251")
DELIMITERS = (";", ",", "\t")
FIELDS = ("name", "phone", "tags", "note")
"""What a column may be."""
ROW_CHARACTERS = 50_000
"""A row that is longer is none; nothing of a file needs more memory than this."""
ROW_LINES = 200
"""Nor does one cell with line breaks in it go on for longer: a quotation mark was not closed."""
SAMPLE_ROWS = 20
_BYTE_ORDER_MARK = "\ufeff"
_BEYOND_ASCII = "\x7f".__lt__
_END = re.compile(r"\r\n|\n|\r(?!\Z)")  # an \r at the end may be half of one
_SEPARATOR = re.compile(r"sep=(;|,|\t|\\t)", re.I)
_HEADS = {
    "name": (
        "name|full name|first name|given name|display name|contact"
        "|имя|фио|контакт|имя и фамилия|название|клиент"
    ),
    "phone": (
        "phone|number|phone number|telephone|tel|mobile|mobile phone|phone 1 - value|whatsapp"
        "|номер|телефон|номер телефона|мобильный|мобильный телефон|тел"
    ),
    "tags": "tags|labels|groups|categories|теги|метки|группы|категории",
    "note": "note|notes|comment|comments|заметка|заметки|комментарий|примечание",
}
_FIELD_OF = {head: field for field, heads in _HEADS.items() for head in heads.split("|")}


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its number as spreadsheets count, its cells, and what is wrong with it (a slug)."""

    number: int
    cells: list[str]
    problem: str = ""


def encoding_of(pieces: Iterable[bytes]) -> str:
    """One of ENCODINGS: the one that this file seems to be in. UTF-8 if all of it is, or if most of
    its letters beyond ASCII are: then rows of another encoding came in from elsewhere, which are
    told and spoil no others."""
    decoder, head = codecs.getincrementaldecoder("utf-8")(errors="replace"), b""
    right = wrong = 0
    for piece in chain(pieces, [b""]):
        if not head:
            head = piece[:4096]
            if wide := utf16_of(head):
                return wide
        text = decoder.decode(piece, final=not piece)
        if not text.isascii():
            unread = text.count("\ufffd")
            right += sum(map(_BEYOND_ASCII, text)) - unread
            wrong += unread
    return "windows-1251" if wrong >= max(right, 1) else "utf-8"


def is_utf8_in_disguise(text: str) -> bool:
    """Whether `text`, read as Windows-1251, was UTF-8: "РњР°СЂРёСЏ" for "Мария"."""
    if text.isascii():
        return False
    try:
        text.encode("windows-1251").decode("utf-8")
    except UnicodeError:
        return False
    return True


def utf16_of(head: bytes) -> str:
    """Which UTF-16 a file that begins so is in; empty for none."""
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    even, odd = head[::2].count(0), head[1::2].count(0)
    enough = len(head) // 8  # digits and separators are Latin: half of them is a NUL
    if max(even, odd) <= enough or min(even, odd) > enough // 4:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def lines_of(pieces: Iterable[bytes], encoding: str) -> Iterator[str]:
    """The lines of a file, each with its end, whichever that is; one that is too long is cut off
    one character behind the limit."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    rest, is_cut, is_first = "", False, True
    for piece in pieces:
        text, end = rest + decoder.decode(piece), 0
        if is_first and text:
            text, is_first = text.removeprefix(_BYTE_ORDER_MARK), False
        for found in _END.finditer(text):
            if not is_cut:
                yield _cut(text[end : found.end()])
            is_cut, end = False, found.end()
        rest = text[end:]
        if is_cut or len(rest) > ROW_CHARACTERS:
            if not is_cut:
                yield _cut(rest)
            rest, is_cut = "\r" if rest.endswith("\r") else "", True
    rest += decoder.decode(b"", final=True)
    if rest and not is_cut:
        yield _cut(rest)


def _cut(line: str) -> str:
    return line[: ROW_CHARACTERS + 1]


class _TooLong(Exception):
    """A row goes on beyond every measure."""


class _Feed:
    """Lines for csv.reader, of one row at a time; those that turned out to be none of its row are
    given once more."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self._again = lines, deque[str]()
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= ROW_LINES:
            raise _TooLong
        line = self._again.popleft() if self._again else next(self._lines)
        self.taken.append(line)
        if sum(map(len, self.taken)) > ROW_CHARACTERS:
            raise _TooLong
        return line.replace("\0", "")

    def give_back(self) -> None:
        """All but the first line of the row are rows of their own."""
        self._again.extendleft(reversed(self.taken[1:]))


def rows_of(lines: Iterator[str], delimiter: str) -> Iterator[Row]:
    """The rows that are not empty. A quotation mark that nobody closes costs its own line alone."""
    feed, number = _Feed(lines), 0
    reader = csv.reader(feed, delimiter=delimiter)
    while True:
        feed.taken, number, problem = [], number + 1, ""
        try:
            cells = next(reader)
            if _is_open(feed.taken, delimiter):
                problem = "quote_open"
        except StopIteration:
            return
        except _TooLong:
            problem = "quote_open" if len(feed.taken) > 1 else "row_too_long"
        if problem:
            feed.give_back()
            cells = feed.taken[0].strip().split(delimiter)
        if number == 1 and _SEPARATOR.fullmatch(feed.taken[0].strip()):
            continue  # Excel's own line
        if any(map(str.strip, cells)):
            yield Row(number, cells, problem)


def _is_open(taken: Sequence[str], delimiter: str) -> bool:
    """Whether the file ended within the quotation marks of these lines."""
    if len(taken) == 1 and taken[0].count('"') % 2 == 0:
        return False
    try:
        deque(csv.reader(taken, delimiter=delimiter, strict=True), maxlen=0)
    except csv.Error as error:
        return "end of data" in str(error)
    return False


def delimiter_of(lines: Sequence[str]) -> str:
    """One of DELIMITERS: the one that makes most of the first lines alike, into most columns."""
    said = _SEPARATOR.fullmatch(lines[0].strip()) if lines else None
    if said:
        return said[1].replace("\\t", "\t")
    return max(DELIMITERS, key=lambda one: _likeness(lines, one))


def _likeness(lines: Sequence[str], delimiter: str) -> tuple[float, int]:
    widths = [len(row.cells) for row in islice(rows_of(iter(lines), delimiter), SAMPLE_ROWS)]
    if not widths:
        return 0, 0
    width, count = Counter(widths).most_common(1)[0]
    return (count / len(widths), width) if width > 1 else (0, 1)


def has_head(rows: Sequence[Row]) -> bool:
    """Whether the first row seems to name the columns: it has no number, and the others do, or it
    says what we know."""
    if not rows:
        return False
    first = rows[0].cells
    if any(map(looks_like_number, first)):
        return False
    known = any(fold(cell) in _FIELD_OF for cell in first)
    return known or any(looks_like_number(cell) for row in rows[1:] for cell in row.cells)


def columns_of(rows: Sequence[Row], *, head: bool) -> dict[str, int]:
    """Which column is what, as far as its name or what is in it tells."""
    found: dict[str, int] = {}
    for place, cell in enumerate(rows[0].cells if head and rows else []):
        if (field := _FIELD_OF.get(fold(cell))) is not None:
            found.setdefault(field, place)
    body = rows[1:] if head else rows
    width = max((len(row.cells) for row in body), default=0)
    columns = [[row.cells[n] for row in body if n < len(row.cells)] for n in range(width)]
    numbers = [sum(map(looks_like_number, cells)) for cells in columns]
    if "phone" not in found and any(numbers):
        found["phone"] = numbers.index(max(numbers))
    if "name" not in found:
        free = [n for n in range(width) if n not in found.values() and not numbers[n]]
        free = [n for n in free if any(map(str.strip, columns[n]))]
        found |= {"name": free[0]} if free else {}
    return found


def looks_like_number(cell: str) -> bool:
    """Whether a cell may be a phone number: for guessing, not for judging."""
    digits = sum(map(str.isdecimal, cell))
    return 7 <= digits <= 15 and not any(map(str.isalpha, cell)) and "." not in cell


def plain(cell: str) -> str:
    """`cell` without the apostrophe that keeps spreadsheets from running it as a formula."""
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(("=", "+", "-", "@")) else cell
