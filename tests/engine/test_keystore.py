"""Questions to key stores: SQLite as the engine leaves it, PostgreSQL by URL."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.engine import keystore

JID = "15550001000:1@s.whatsapp.net"
SECRET = bytes(range(32))
_TABLES = """
    CREATE TABLE whatsmeow_device (jid TEXT, lid TEXT, push_name TEXT, platform TEXT);
    CREATE TABLE whatsmeow_message_secrets (our_jid TEXT, message_id TEXT, key BLOB);
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A key store with one device and one secret."""
    path = tmp_path / "a store?#%.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(_TABLES)
        connection.execute(
            "INSERT INTO whatsmeow_device VALUES (?, '77:1@lid', 'Me', 'android')", [JID]
        )
        connection.execute(
            "INSERT INTO whatsmeow_message_secrets VALUES (?, 'M1', ?)", [JID, SECRET]
        )
    connection.close()
    return path


def test_account_is_found_by_its_exact_jid(store: Path):
    account = keystore.find_account(str(store), JID)
    assert account is not None
    assert (account.jid, account.address.lid, account.address.number) == (
        JID,
        "77@lid",
        "15550001000",
    )
    assert (account.push_name, account.platform) == ("Me", "android")


def test_other_device_of_the_same_number_is_not_found(store: Path):
    assert keystore.find_account(str(store), JID.replace(":1", ":2")) is None


def test_sent_id_is_found_by_secret_and_own_jid(store: Path):
    assert keystore.find_sent_id(str(store), JID, SECRET) == "M1"
    assert keystore.find_sent_id(str(store), JID, bytes(32)) is None
    assert keystore.find_sent_id(str(store), JID.replace(":1", ":2"), SECRET) is None


def test_store_that_the_engine_has_open_is_read_from_outside(
    store: Path, monkeypatch: pytest.MonkeyPatch
):
    keystore.give_to_engine(str(store))

    def open_here(*_values: object, **_names: object) -> None:
        raise AssertionError("closing the file here would drop the engine's locks")

    monkeypatch.setattr(sqlite3, "connect", open_here)
    assert keystore.find_sent_id(str(store), JID, SECRET) == "M1"
    with pytest.raises(keystore.KeyStoreUnreadable):
        store.write_text("this is no database" * 100)
        keystore.find_account(str(store), JID)


def test_what_is_written_to_a_store_changes_when_it_changed(store: Path):
    before = keystore.changed_at(str(store))
    assert keystore.changed_at(str(store)) == before
    with sqlite3.connect(store) as connection:
        connection.execute("CREATE TABLE more (padding TEXT)")
    connection.close()
    assert keystore.changed_at(str(store)) != before
    assert keystore.changed_at("postgresql://host/base") is None


def test_missing_and_empty_stores_hold_nothing(tmp_path: Path):
    empty = tmp_path / "empty.db"
    empty.touch()
    assert keystore.find_account(str(empty), JID) is None
    assert keystore.find_sent_id(str(tmp_path / "missing.db"), JID, SECRET) is None
    assert not (tmp_path / "missing.db").exists()


def test_file_that_is_no_database_is_unreadable(tmp_path: Path):
    path = tmp_path / "text.db"
    path.write_text("this is no database" * 100)
    with pytest.raises(keystore.KeyStoreUnreadable, match="not a database"):
        keystore.find_account(str(path), JID)


def test_store_of_a_writer_killed_in_mid_transaction_is_read(store: Path):
    # A page cache this small spills into the file before the commit: a hot journal is left.
    program = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 2")
connection.execute("BEGIN")
connection.execute("UPDATE whatsmeow_message_secrets SET message_id = 'half done'")
for n in range(500):
    connection.execute("INSERT INTO whatsmeow_device VALUES (?, ?, '', '')", [str(n), "x" * 500])
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program, str(store)], check=True)
    journal = store.with_name(store.name + "-journal")
    assert journal.stat().st_size > 0
    assert keystore.find_sent_id(str(store), JID, SECRET) == "M1"


def test_reading_waits_for_a_writer(store: Path):
    program = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read(1)
connection.execute("COMMIT")
"""
    command = [sys.executable, "-c", program, str(store)]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer,
        ThreadPoolExecutor(1) as pool,
    ):
        assert writer.stdin and writer.stdout
        writer.stdout.readline()
        found = pool.submit(keystore.find_sent_id, str(store), JID, SECRET)
        with pytest.raises(TimeoutError):
            found.result(timeout=0.5)
        writer.communicate(b"x")
        assert found.result() == "M1"


def test_store_is_writable_unless_its_disk_is_full(store: Path, monkeypatch: pytest.MonkeyPatch):
    assert keystore.is_writable(str(store))
    monkeypatch.setattr(keystore, "_LEAST_FREE_BYTES", 2**80)
    assert not keystore.is_writable(str(store))


@pytest.mark.parametrize(
    ("store_url", "libpq"),
    [
        ("postgresql://u:p@h:5432/d", "postgresql://u:p@h:5432/d"),
        (
            "postgres://h/d?sslmode=disable&search_path=engine",
            "postgres://h/d?sslmode=disable&options=-csearch_path%3Dengine",
        ),
    ],
)
def test_database_url_of_the_engine_is_put_into_libpqs_words(store_url: str, libpq: str):
    assert keystore.libpq_url(store_url) == libpq
