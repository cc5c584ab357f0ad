"""Files of contacts: what is read out of them, however they were written."""

from __future__ import annotations

import random
from collections.abc import Iterable
from itertools import islice

import pytest

from app.core import contact_tables
from app.core.contact_tables import ROW_CHARACTERS, lines_of, rows_of
from app.services import file_rows
from app.services.file_rows import CSV, VCARD, Judged, Plan, detected, entries_of, judged

TABLE = "Имя;Телефон;Теги;Заметка\r\nМария;8 916 123-45-67;VIP, опт;Любит тюльпаны\r\n"


def in_pieces(content: bytes, size: int = 7) -> Iterable[bytes]:
    """As a storage gives it, cut where it hurts."""
    return (content[at : at + size] for at in range(0, len(content), size))


def plan_of(content: bytes, **wished: object) -> Plan:
    return detected(lambda: in_pieces(content, 4096), **wished)


def read(content: bytes, **wished: object) -> list[Judged]:
    """All rows, by the plan that was guessed."""
    plan = plan_of(content, **wished)
    size = 7 if len(content) < 20_000 else 65_536
    entries = entries_of(lambda: in_pieces(content, size), plan)
    return [judged(one, country="RU") for one in entries]


def people(content: bytes, **wished: object) -> list[tuple[str, str]]:
    return [(one.phone, one.name) for one in read(content, **wished)]


def problems(content: bytes, **wished: object) -> list[tuple[int, str]]:
    return [(one.entry.row, one.problem) for one in read(content, **wished) if one.problem]


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8", TABLE.encode()),
        ("utf-8", TABLE.encode("utf-8-sig")),
        ("utf-16-le", TABLE.encode("utf-16")),
        ("utf-16-le", TABLE.encode("utf-16-le")),
        ("utf-16-be", b"\xfe\xff" + TABLE.encode("utf-16-be")),
        ("windows-1251", TABLE.encode("windows-1251")),
    ],
)
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_encoding_separator_and_columns_are_found_out(
    encoding: str, written: bytes, delimiter: str
) -> None:
    codec = "utf-16-be" if encoding == "utf-16-be" else encoding
    text = written.decode(codec).replace(", ", "|").replace(";", delimiter).replace("|", ";")
    content = text.encode(codec)
    plan = plan_of(content)
    assert (plan.kind, plan.encoding, plan.delimiter, plan.head) == (CSV, encoding, delimiter, True)
    assert plan.columns == {"name": 0, "phone": 1, "tags": 2, "note": 3}
    if delimiter != ";":
        (one,) = read(content)
        assert (one.phone, one.name, one.note) == ("79161234567", "Мария", "Любит тюльпаны")
        assert one.tags == ["VIP", "опт"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way(end: str) -> None:
    content = f'Имя;Номер{end}"Мария{end}Цветы";79161234567{end}Олег;79161234568'.encode()
    assert people(content) == [("79161234567", "Мария Цветы"), ("79161234568", "Олег")]


def test_a_table_without_a_head_is_known_by_its_numbers() -> None:
    content = b"1;Maria;+7 916 123-45-67\n2;Oleg;+7 916 123-45-68\n"
    plan = plan_of(content)
    assert (plan.head, plan.columns["phone"], plan.columns["name"]) == (False, 2, 0)
    assert len(read(content)) == 2


def test_our_own_export_comes_back_as_it_was() -> None:
    content = (
        "\ufeffИмя;Номер;Имя в телефонной книге;Теги;Заметка\r\n"
        "'=Мария;7 916 123-45-67;;;\r\n'+7 916 123-45-68;7 916 123-45-68;;;\r\n"
    ).encode()
    assert people(content) == [("79161234567", "=Мария"), ("79161234568", "")]


def test_excels_own_first_line_names_the_separator() -> None:
    assert people(b"sep=;\nname;phone\nA,B;79161234567\n") == [("79161234567", "A,B")]


def test_what_is_wrong_is_said_of_its_row_and_the_others_are_read() -> None:
    long_name, long_note = "x" * 101, "n" * 10_000
    content = (
        "name;phone;tags;note\n"
        "No number;;;\n"
        "Words;call me;;\n"
        f"{long_name};79161234561;;\n"
        f"Note;79161234562;;{long_note}\n"
        "Tags;79161234563;a,b,c,d,e,f,g,h,i,j,k;\n"
        "\n"
        ";;;\n"
        "Short\n"
        "Good;79161234567;;;;;more;than;wanted\n"
    ).encode()
    assert problems(content) == [
        (2, "phone_missing"),
        (3, "bad_phone"),
        (4, "name_too_long"),
        (5, "note_too_long"),
        (6, "too_many_tags"),
        (9, "phone_missing"),
    ]
    assert people(content)[-1] == ("79161234567", "Good")


def test_a_quotation_mark_that_is_never_closed_costs_its_own_row_alone() -> None:
    rows = "".join(f"P{n};7916123{n:04}\n" for n in range(1000))
    content = f'name;phone\nA;79160000001\n"Open;79160000002\n{rows}'.encode()
    assert problems(content) == [(3, "quote_open")]
    assert len(read(content)) == 1002
    at_the_end = b'name;phone\nA;79160000001\n"Open;79160000002'
    assert problems(at_the_end) == [(3, "quote_open")]


def test_a_line_without_an_end_takes_no_memory_and_ends_nothing() -> None:
    content = b"name;phone\n" + b"x" * 3_000_000 + b"\nA;79161234567\n"
    assert problems(content, delimiter=";", head=True) == [(2, "row_too_long")]
    assert people(content, delimiter=";", head=True)[-1] == ("79161234567", "A")
    assert max(map(len, lines_of(in_pieces(content, 65536), "utf-8"))) == ROW_CHARACTERS + 1


def test_the_wrong_encoding_is_said_of_the_rows_that_cannot_be_read() -> None:
    content = "name;phone\nМария;79161234567\nOleg;79161234568\n".encode("windows-1251")
    assert problems(content, encoding="utf-8") == [(2, "bad_characters")]


def test_rows_of_another_encoding_are_told_and_spoil_no_others() -> None:
    rows = "".join(f"Клиент {n};7916123{n:04}\n" for n in range(300))
    stray = "Ёлка;79160000001\n"
    in_utf8 = (
        f"имя;телефон\n{rows}".encode()
        + stray.encode("windows-1251")
        + "Мария;79160000002".encode()
    )
    assert problems(in_utf8) == [(302, "bad_characters")]
    assert people(in_utf8)[-1] == ("79160000002", "Мария")
    in_1251 = f"имя;телефон\n{rows}".encode("windows-1251") + stray.encode()
    assert problems(in_1251) == [(302, "bad_characters")]
    assert people(in_1251)[0] == ("79161230000", "Клиент 0")


@pytest.mark.parametrize(
    ("written", "phone"),
    [
        ("+1 (212) 555-01-23", "12125550123"),
        ("+44 20 7946 0958", "442079460958"),
        ("0049 30 901820", "4930901820"),
        ("00 7 916 123 45 67", "79161234567"),
        ("+380 44 279 0000", "380442790000"),
        ("998 90 123 45 67", "998901234567"),
        ("+972-3-123-4567", "97231234567"),
        ("8 (916) 123-45-67", "79161234567"),
        ("916 123 45 67", "79161234567"),
        ("+86 138 0013 8000", "8613800138000"),
        ("+55 11 98765-4321", "5511987654321"),
        ("+81 3-1234-5678", "81312345678"),
        ("٠٠٩٧١٥٠١٢٣٤٥٦٧", "971501234567"),
    ],
)
def test_numbers_of_many_countries_are_read(written: str, phone: str) -> None:
    assert people(f'name;phone\nA;"{written}"\n'.encode(), head=True) == [(phone, "A")]


@pytest.mark.parametrize(
    "written",
    ["8 916 O23-45-67", "1-800-FLOWERS", "7,91612E+10", "12", "тел. нет", "+999 12345678"],
)
def test_letters_in_numbers_and_numbers_of_nowhere_are_told(written: str) -> None:
    content = f'name;phone\nA;"{written}"\nB;79161234567\n'.encode()
    assert problems(content, head=True, delimiter=";") == [(2, "bad_phone")]
    assert people(content, head=True, delimiter=";")[-1] == ("79161234567", "B")


def test_wrong_columns_are_told_row_by_row_and_good_rows_are_read() -> None:
    content = b"phone;name\nAnna;79161234567\nBoris;79161234568\n79161234569;Vera\n"
    assert problems(content) == [(2, "bad_phone"), (3, "bad_phone")]
    assert people(content)[-1] == ("79161234569", "Vera")


def test_a_letter_far_behind_the_first_ones_still_tells_the_encoding() -> None:
    rows = "".join(f"P{n};7916123{n:04}\n" for n in range(9000))
    content = f"name;phone\n{rows}Ёлка;79160000001\n".encode("windows-1251")
    assert plan_of(content).encoding == "windows-1251"
    assert people(content)[-1] == ("79160000001", "Ёлка")


def test_more_rows_than_there_may_be_are_told_and_the_first_ones_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(file_rows, "MOST_ROWS", 3)
    content = b"name;phone\n" + b"".join(b"A;7916123456%d\n" % n for n in range(6))
    assert problems(content) == [(5, "too_many_rows")]
    assert len(read(content)) == 4


@pytest.mark.parametrize("seed", range(20))
def test_no_bytes_at_all_break_the_reading(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    alphabet = b'";,\t\r\n\0\xd0\xff\xfe=:AB7 ' if seed % 2 else bytes(range(256))
    content = bytes(chance.choices(alphabet, k=20_000))
    head = b"BEGIN:VCARD\r\n" if seed % 3 == 0 else b""
    assert len(read(head + content)) < 20_000


def test_a_row_costs_no_more_the_more_marks_there_are() -> None:
    lines = iter(['"a;1\n', "b;2\n"] * 5_000)
    assert sum(1 for _ in islice(rows_of(lines, ";"), 20_000)) > 1_000


def test_every_problem_has_its_words() -> None:
    assert {"quote_open", "row_too_long", "bad_phone", "bad_characters"} <= set(file_rows.PROBLEMS)
    for message, params in file_rows.PROBLEMS.values():
        assert message % params


OLD_PHONE = (
    "BEGIN:VCARD\r\nVERSION:2.1\r\n"
    "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=98=D0=B2=D0=B0=D0=BD=D0=BE=D0=B2;=D0=98=D0=B2=\r\n"
    "=D0=B0=D0=BD;;;\r\n"
    "TEL;CELL:+79161234567\r\nTEL;HOME:8 (495) 123-45-67\r\nEND:VCARD\r\n"
)
NEW_PHONE = (
    "BEGIN:VCARD\nVERSION:4.0\nFN:Мария Длинно\n е Имя\nitem1.TEL;VALUE=uri;TYPE=cell:"
    "tel:+7-916-123-45-68;ext=2\nCATEGORIES:VIP,опт\\, роз\nNOTE:Первая\\nвторая\nPHOTO;ENCODING=b;"
    "TYPE=JPEG:" + "A" * 90_000 + "\n " + "B" * 200 + "\nEND:VCARD\n"
)


def test_vcards_of_old_and_new_phones_are_read() -> None:
    content = (OLD_PHONE + NEW_PHONE).encode()
    assert plan_of(content).kind == VCARD
    old, home, new = read(content)
    assert (old.phone, old.name, home.phone, home.name) == (
        "79161234567",
        "Иван Иванов",
        "74951234567",
        "Иван Иванов",
    )
    assert (new.phone, new.name) == ("79161234568", "Мария Длинное Имя")
    assert (new.tags, new.note) == (["VIP", "опт роз"], "Первая\nвторая")


def test_a_card_without_a_number_or_an_end_is_told() -> None:
    content = (
        b"BEGIN:VCARD\nFN:A\nEND:VCARD\nBEGIN:VCARD\nFN:B\nTEL:79161234567\n"
        b"BEGIN:VCARD\nORG:C;D\nTEL:+79161234568\n"
    )
    assert problems(content) == [(1, "phone_missing")]
    assert people(content)[1:] == [("79161234567", "B"), ("79161234568", "C D")]


def test_a_table_of_one_column_of_numbers_is_enough() -> None:
    assert [phone for phone, _ in people(b"79161234567\n79161234568\n")] == [
        "79161234567",
        "79161234568",
    ]
    assert contact_tables.delimiter_of([]) in contact_tables.DELIMITERS
