"""Contacts from a file, on the pages: brought, looked at, imported, and what was refused."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.clock import utcnow
from app.config import current_settings
from app.extensions import db
from app.jobs import imports, media
from app.models import Contact, ContactImport, Instance
from app.services import contact_files, contact_imports, file_copying
from app.storage import storage_of
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, filled_form, only, soup, words

TABLE = "Имя;Телефон;Теги\nМария;8 916 123-45-67;VIP\nОлег;позвони\nАнна;+79161234568;\n"


@pytest.fixture
def path(shop: Instance) -> str:
    """Where files of contacts are brought."""
    return f"/ui/instances/{shop.id}/contacts/files"


def bring(browser: Browser, path: str, content: bytes, name: str = "clients.csv") -> TestResponse:
    return browser.post(path, {"file": (io.BytesIO(content), name)})


def choose(answer: TestResponse) -> dict[str, str]:
    """What the mapping's form sends if nobody touches it."""
    return filled_form(answer, "#import-file-form")


def import_all(app: Flask) -> ContactImport:
    """What the worker does."""
    with app.app_context():
        job = db.session.query(ContactImport).order_by(ContactImport.id.desc()).first()
        assert job is not None
        imports.run(job.id)
        db.session.rollback()
        return db.session.get_one(ContactImport, job.id)


def import_file(app: Flask, bobs: Browser, path: str, content: bytes) -> tuple[int, ...]:
    """New, updated, unchanged and refused of a whole import."""
    place = bring(bobs, path, content).location
    bobs.post(place, choose(bobs.get(place)))
    job = import_all(app)
    assert job.state == "done"
    assert job.seen == job.total
    return job.added, job.updated, job.unchanged, job.refused


def kept(app: Flask) -> list[tuple[str | None, str, list[str]]]:
    with app.app_context():
        rows = db.session.query(Contact).order_by(Contact.phone)
        return [(one.phone, one.name, one.tags) for one in rows]


def files(app: Flask) -> int:
    with app.app_context():
        return len(list(storage_of(current_settings()).entries()))


def test_a_file_is_looked_at_before_anything_is_imported(
    app: Flask, bobs: Browser, path: str
) -> None:
    chosen = only(bobs.get(path.removesuffix("/files")), "#import-file")
    assert chosen["href"] == path
    answer = bobs.get(bring(bobs, path, TABLE.encode("windows-1251")).location)
    assert "Контакты из «clients.csv»" in words(answer)
    assert filled_form(answer, "#reading") == {
        "shown": "1",
        "encoding": "windows-1251",
        "delimiter": ";",
        "head": ["1"],
    }
    form = choose(answer)
    assert (form["column_name"], form["column_phone"], form["column_tags"]) == ("0", "1", "2")
    people = [" ".join(row.get_text(" ").split()) for row in soup(answer).select("[data-person]")]
    assert people[0] == "Мария +7 916 123-45-67 VIP"
    assert "Это не номер телефона" in people[1]
    assert kept(app) == []


def test_the_reader_changes_encoding_separator_and_columns(
    app: Flask, bobs: Browser, path: str
) -> None:
    content = "Мария|x,79161234567\nОлег,79161234568\n".encode()
    place = bring(bobs, path, content).location
    wrong = bobs.fragment(f"{place}?shown=1&encoding=windows-1251&delimiter=;")
    assert "РњР°СЂРёСЏ" in words(wrong, "#mapping")
    answer = bobs.fragment(f"{place}?shown=1&encoding=utf-8&delimiter=,")
    assert "Столбец 2" in words(answer, "#mapping")
    form = choose(answer) | {"column_name": "", "column_note": "0"}
    bobs.post(place, form)
    assert import_all(app).added == 2
    with app.app_context():
        assert [one.note for one in db.session.query(Contact).order_by(Contact.phone)] == [
            "Мария|x",
            "Олег",
        ]


def test_without_a_column_of_numbers_nothing_begins(app: Flask, bobs: Browser, path: str) -> None:
    place = bring(bobs, path, b"a;b\nc;d\n").location
    answer = bobs.post(place, choose(bobs.get(place)))
    assert answer.status_code == 422
    assert "в каком столбце номера телефонов" in words(answer, "#mapping-problem")
    assert only(answer, "#start-file") is not None


def test_an_import_shows_how_far_it_is_and_what_came_of_it(
    app: Flask, bobs: Browser, shop: Instance, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_copying, "BATCH", 2)
    place = bring(bobs, path, TABLE.encode()).location
    started = bobs.post(place, choose(bobs.get(place)))
    page = bobs.get(started.location)
    assert "Читаем файл" in words(page, "#import")
    with app.app_context():
        job = contact_imports.latest(shop)
        assert job is not None
        reader = file_copying.Reader(job, country="RU")
        with transaction():
            file_copying.begin(job.id, reader.count())
        assert imports.copy_rows(job.id, reader)
    half = bobs.get(started.location)
    assert (only(half, "progress")["value"], only(half, "progress")["max"]) == ("2", "3")
    import_all(app)
    done = bobs.get(started.location)
    assert "Импортировано контактов: 2" in words(done, "#import-outcome")
    assert "Отклонено строк: 1" in words(done, "#import-outcome")
    assert kept(app) == [("79161234567", "Мария", ["VIP"]), ("79161234568", "Анна", [])]
    assert files(app) == 0


def test_refused_rows_are_saved_corrected_and_imported_again(
    app: Flask, bobs: Browser, path: str
) -> None:
    assert import_file(app, bobs, path, TABLE.encode()) == (2, 0, 0, 1)
    page = bobs.get(f"{path.removesuffix('/files')}?source=database")
    answer = bobs.get(str(only(page, "#refused-rows")["href"]))
    assert answer.headers["Content-Disposition"].endswith("filename=contacts-refused.csv")
    head, row = answer.text.splitlines()
    assert head == "\ufeffСтрока;Что не так;Имя;Номер;Метки;Заметка"
    assert row.startswith("3;Это не номер телефона.")
    assert row.endswith(";Олег;позвони;;")
    corrected = answer.text.replace("позвони", "8 916 123-45-69")
    assert import_file(app, bobs, path, corrected.encode()) == (1, 0, 0, 0)
    assert kept(app)[-1] == ("79161234569", "Олег", [])


def test_the_same_file_again_changes_nothing(app: Flask, bobs: Browser, path: str) -> None:
    content = (
        b"name;phone;tags;note\nA;79161234567;x;one\nB;8 916 123-45-67;X,y;two\n;79161234568;;\n"
        b"C;79161234568;;\n"
    )
    assert import_file(app, bobs, path, content) == (2, 2, 0, 0)
    assert kept(app) == [("79161234567", "A", ["x", "y"]), ("79161234568", "C", [])]
    assert import_file(app, bobs, path, content) == (0, 0, 4, 0)
    assert import_file(app, bobs, path, content.replace(b"A;", b"Anna;")) == (0, 1, 3, 0)


def test_what_whatsapp_knows_of_a_number_comes_with_it(
    app: Flask, bobs: Browser, shop: Instance, path: str
) -> None:
    with app.app_context():
        account = factories.linked_account(shop)
        factories.whatsapp_contact(account, phone="79161234568", lid="8001", push_name="Anna")
        chat = factories.chat(account, phone="79161234567", lid=None)
    assert import_file(app, bobs, path, TABLE.encode()) == (2, 0, 0, 1)
    with app.app_context():
        anna = db.session.query(Contact).filter_by(phone="79161234568").one()
        assert (anna.lid, anna.push_name) == ("8001", "Anna")
        db.session.add(chat)
        db.session.refresh(chat)
        assert chat.shown_name == "Мария"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0\1\2" * 400, "picture.csv"),
        (b"PK\x03\x04" + b"\0" * 400, "table.csv"),
        (b"name;phone\nA;7916\0\0\0\x01\n", "odd.csv"),
    ],
)
def test_what_is_no_table_is_refused_and_not_kept(
    app: Flask, bobs: Browser, path: str, content: bytes, name: str
) -> None:
    answer = bring(bobs, path, content, name)
    assert answer.status_code == 422
    assert "Это не CSV и не vCard" in words(answer, "#contacts-file-error")
    assert files(app) == 0


def test_nothing_empty_and_nothing_too_large_is_taken(
    app: Flask, bobs: Browser, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Выберите файл" in words(bobs.post(path), "#contacts-file-error")
    assert "Файл пуст" in words(bring(bobs, path, b""), "#contacts-file-error")
    monkeypatch.setattr(contact_files, "MOST_BYTES", 1024)
    assert bring(bobs, path, b"7" * 2048).status_code == 413
    assert files(app) == 0


def test_a_cancelled_import_and_a_discarded_file_leave_nothing(
    app: Flask, bobs: Browser, shop: Instance, path: str
) -> None:
    place = bring(bobs, path, TABLE.encode()).location
    assert files(app) == 1
    assert bobs.post(f"{place}/discard").status_code == 303
    assert files(app) == 0
    assert bobs.get(place).status_code == 404
    place = bring(bobs, path, TABLE.encode()).location
    bobs.post(place, choose(bobs.get(place)))
    bobs.post(f"{path.removesuffix('/files')}/import/cancel")
    assert import_all(app).state == "cancelled"
    assert files(app) == 0
    assert kept(app) == []


def test_a_file_that_nobody_decides_about_is_forgotten_and_one_that_waits_is_not(
    app: Flask, bobs: Browser, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(bobs, path, TABLE.encode())
    monkeypatch.setattr(media, "ABANDONED_AFTER", utcnow() - utcnow())
    with app.app_context():
        media.sweep_files()
    assert files(app) == 1
    monkeypatch.setattr(contact_files, "DRAFT_LASTS", utcnow() - utcnow())
    with app.app_context():
        imports.sweep()
    assert files(app) == 0


def test_a_file_that_is_lost_ends_the_import(
    app: Flask, bobs: Browser, path: str, tmp_path: Path
) -> None:
    place = bring(bobs, path, TABLE.encode()).location
    bobs.post(place, choose(bobs.get(place)))
    with app.app_context():
        storage = storage_of(current_settings())
        for entry in storage.entries():
            storage.delete(entry.key)
    assert import_all(app).state == "failed"
    assert "его файла здесь больше нет" in words(bobs.get(path.removesuffix("/files")), "#import")


def test_two_imports_do_not_run_at_once(app: Flask, bobs: Browser, path: str) -> None:
    first, second = (bring(bobs, path, TABLE.encode()).location for _ in range(2))
    bobs.post(first, choose(bobs.get(first)))
    answer = bobs.post(second, choose(bobs.get(second)))
    assert answer.status_code == 409
    assert "Сейчас идёт импорт" in words(answer, "#mapping-problem")
