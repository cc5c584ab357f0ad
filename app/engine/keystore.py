"""Read-only questions to an engine's key store: whatsmeow's own tables, which we never write.

A SQLite store that the engine of this process has opened is read in a short-lived process of its
own (20 ms), all others in place. The engine carries its own copy of SQLite, and two copies in one
process do not see each other's file locks: closing a file here would even drop the engine's
(https://www.sqlite.org/howtocorrupt.html, section 2.2.1).
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg

from app.engine import sqlite_reader
from app.engine.address import Address
from app.engine.base import Account
from app.engine.errors import EngineError
from app.engine.protos import message_class

_of_engine: set[str] = set()
"""The files that the engine of this process has opened: it never closes one."""
_READ_SECONDS = 15.0
_CONNECT_SECONDS = 10
_LEAST_FREE_BYTES = 4 * 1024 * 1024
SCHEMA = "engine"
"""Of the engine's tables in PostgreSQL; the product's own stay in the usual one."""
_OPTIONS = {"idle_in_transaction_session_timeout": "15000"}  # ms; see app/database.py

_ACCOUNT = "SELECT jid, lid, push_name, platform FROM whatsmeow_device WHERE jid = :jid"
_ACCOUNTS = "SELECT jid, lid, push_name, platform FROM whatsmeow_device"
_ACCOUNT_OF_CODE = f"{_ACCOUNTS} WHERE adv_key = :adv_key"
_VERSION = "SELECT version FROM whatsmeow_version"
_LINKS_OF_NUMBER = (
    "SELECT jid, lid, push_name, platform, adv_details FROM whatsmeow_device"
    " WHERE split_part(jid, ':', 1) = :number"
)
_REMOVALS = (
    "DELETE FROM whatsmeow_privacy_tokens WHERE our_jid = %s",
    "DELETE FROM whatsmeow_device WHERE jid = %s",  # all else of the device goes with it
)
_QR_PARTS = 4  # before the secret come: reference, noise key, identity key (wire.md section 4)
_SENT_ID = "SELECT message_id FROM whatsmeow_message_secrets WHERE our_jid = :jid AND key = :secret"

_CHAT_SETTINGS = (
    "SELECT chat_jid, muted_until, pinned, archived FROM whatsmeow_chat_settings"
    " WHERE our_jid = :jid"
)

_CONTACTS = (
    "SELECT c.their_jid, c.full_name, c.first_name, c.push_name, c.business_name, m.lid, n.pn"
    " FROM whatsmeow_contacts c"
    " LEFT JOIN whatsmeow_lid_map m ON m.pn = replace(c.their_jid, '@s.whatsapp.net', '')"
    " LEFT JOIN whatsmeow_lid_map n ON n.lid = replace(c.their_jid, '@lid', '')"
    " WHERE c.our_jid = :jid"
)


class KeyStoreUnreadable(EngineError):
    """The key store is there but cannot be read."""

    def __init__(self, detail: str = "") -> None:
        super().__init__("key_store_unreadable", detail)


def is_postgres(store: str) -> bool:
    """Returns whether the store is a database URL; else it is a path."""
    return store.startswith(("postgres://", "postgresql://"))


def url_for_engine(database_url: str) -> str:
    """Returns the URL of the key stores in the product's PostgreSQL: in a schema of their own.

    The engine's driver would insist on TLS where the URL says nothing, libpq takes it if it can.
    """
    parts = urlsplit(database_url)
    given = dict(parse_qsl(parts.query))
    parameters = {"sslmode": "prefer", **_OPTIONS, **given, "search_path": SCHEMA}
    return urlunsplit(parts._replace(query=urlencode(parameters, quote_via=quote, safe="/")))


def engine_name(store: str) -> str:
    """Returns the store as neonize wants it named.

    It makes "file:NAME?_foreign_keys=on" of a path's name, so the name is a piece of a URL.
    """
    return store if is_postgres(store) else quote(str(Path(store).absolute()))


def find_account(store: str, jid: str) -> Account | None:
    """Returns the account whose JID, with device number, is `jid`, or None if there is none.

    Raises KeyStoreUnreadable.
    """
    return _account(_rows(store, _ACCOUNT, {"jid": jid}))


def is_in_use(store: str) -> bool:
    """Returns whether the engine ever kept keys there: then an account that is not among them was
    deleted by the engine. Raises KeyStoreUnreadable."""
    return bool(_rows(store, _VERSION, {}))


def linked_account(store: str, code: str | None) -> Account | None:
    """Returns the account that an attempt to link has made, None where no link was made.

    A file is the store of one attempt alone; in a database the secret inside the attempt's last QR
    code tells. The engine writes the account down before it confirms the link to the phone
    (whatsmeow, pair.go). Raises KeyStoreUnreadable.
    """
    if not is_postgres(store):
        return _account(_rows(store, _ACCOUNTS, {}))
    parts = (code or "").rpartition("#")[2].split(",")
    if len(parts) < _QR_PARTS:
        return None
    secret = base64.b64decode(parts[_QR_PARTS - 1])
    return _account(_rows(store, _ACCOUNT_OF_CODE, {"adv_key": secret}))


def links_of_number(store: str, number: str, since: datetime) -> list[Account]:
    """Returns the accounts of a phone number in a database that were linked after `since`, by the
    time that the phone itself signed. Raises KeyStoreUnreadable."""
    rows = _rows(store, _LINKS_OF_NUMBER, {"number": number})
    recent = [row[:-1] for row in rows if _linked_at(row[-1]) > since]
    return [account for row in recent if (account := _account([row]))]


def _linked_at(details: bytes) -> datetime:
    """When the phone linked the device, by the identity it gave it (wire.md section 4)."""
    identity = message_class("WAAdv.ADVDeviceIdentity").FromString(details)
    return datetime.fromtimestamp(identity.timestamp, UTC)


def accounts(store: str) -> list[str]:
    """Returns the JIDs of all accounts whose keys the store holds. Raises KeyStoreUnreadable."""
    return [str(row[0]) for row in _rows(store, _ACCOUNTS, {})]


def remove_account(store: str, jid: str) -> None:
    """Deletes the keys of one account from a database, for good. Raises KeyStoreUnreadable."""
    try:
        with psycopg.connect(libpq_url(store), connect_timeout=_CONNECT_SECONDS) as connection:
            for statement in _REMOVALS:
                connection.execute(statement, (jid,))
    except psycopg.errors.UndefinedTable:
        return
    except psycopg.Error as error:
        raise KeyStoreUnreadable(str(error).strip()) from error


def _account(rows: list[list[Any]]) -> Account | None:
    if not rows:
        return None
    own, lid, push_name, platform = rows[0]
    return Account(own, Address.of(own, lid), push_name, platform)


def find_sent_id(store: str, jid: str, secret: bytes) -> str | None:
    """Returns the id of the message sent by `jid` with this secret, None if there is none.

    The engine commits the row before it hands the message to its socket (whatsmeow, send.go), so
    None means that the message never left, an id that it may have. Raises KeyStoreUnreadable.
    """
    rows = _rows(store, _SENT_ID, {"jid": jid, "secret": secret})
    return str(rows[0][0]) if rows else None


def contacts(store: str, jid: str) -> list[list[Any]]:
    """Returns what the account `jid` knows of others, an entry for each form of an address: JID,
    full, first, push and business name (or None), and the LID of a number, the number of a LID.

    Raises KeyStoreUnreadable.
    """
    return _rows(store, _CONTACTS, {"jid": jid})


def chat_settings(store: str, jid: str) -> list[list[Any]]:
    """Returns what the devices of the account `jid` share about chats: the chat's JID, until when
    it is muted (Unix seconds, -1 for good, 0 for not), and whether it is pinned and archived.

    Raises KeyStoreUnreadable.
    """
    return _rows(store, _CHAT_SETTINGS, {"jid": jid})


def changed_at(store: str) -> tuple[int, ...] | None:
    """Returns when a SQLite store was written to last, as its files tell (nanoseconds and sizes);
    None for PostgreSQL, where only asking tells."""
    if is_postgres(store):
        return None
    stats: list[int] = []
    for path in (store, f"{store}-wal"):
        with suppress(OSError):
            told = Path(path).stat()
            stats += (told.st_mtime_ns, told.st_size)
    return tuple(stats)


def is_writable(store: str) -> bool:
    """Returns whether a SQLite store's file and folder can be written and its disk has room.

    For PostgreSQL always True: there the engine's own warning tells.
    """
    if is_postgres(store):
        return True
    path = Path(store)
    if not all(os.access(place, os.W_OK) for place in (path, path.parent)):
        return False
    return shutil.disk_usage(path.parent).free >= _LEAST_FREE_BYTES


def _rows(store: str, query: str, values: dict[str, Any]) -> list[list[Any]]:
    if is_postgres(store):
        return _postgres_rows(store, query, values)
    return _sqlite_rows(store, query, values)


def give_to_engine(store: str) -> None:
    """From now on the engine of this process has the store open; say so before it opens it."""
    if not is_postgres(store):
        _of_engine.add(str(Path(store).absolute()))


def _sqlite_rows(store: str, query: str, values: dict[str, Any]) -> list[list[Any]]:
    path = str(Path(store).absolute())
    if not Path(path).exists():
        return []
    if path in _of_engine:
        return _rows_from_outside(path, query, values)
    try:
        return sqlite_reader.rows(path, query, values)
    except sqlite3.Error as error:
        raise KeyStoreUnreadable(str(error)) from error


def _rows_from_outside(path: str, query: str, values: dict[str, Any]) -> list[list[Any]]:
    plain = {
        key: value.hex() if isinstance(value, bytes) else value for key, value in values.items()
    }
    order = {"path": path, "query": query, "values": plain}
    order["blobs"] = [key for key, value in values.items() if isinstance(value, bytes)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and our own file
            [sys.executable, "-I", "-S", sqlite_reader.__file__],
            input=json.dumps(order),
            capture_output=True,
            text=True,
            timeout=_READ_SECONDS,
            check=True,
        )
    except subprocess.SubprocessError as error:
        detail = getattr(error, "stderr", "") or str(error)
        raise KeyStoreUnreadable(detail.strip().rpartition("\n")[2]) from error
    rows: list[list[Any]] = json.loads(done.stdout)
    return rows


def _postgres_rows(store: str, query: str, values: dict[str, Any]) -> list[list[Any]]:
    for key in values:
        query = query.replace(f":{key}", f"%({key})s")
    try:
        with psycopg.connect(libpq_url(store), connect_timeout=_CONNECT_SECONDS) as connection:
            connection.read_only = True
            return [list(row) for row in connection.execute(query, values)]
    except psycopg.errors.UndefinedTable:
        return []
    except psycopg.Error as error:
        raise KeyStoreUnreadable(str(error).strip()) from error


def libpq_url(store: str) -> str:
    """Returns the engine's database URL as libpq takes it.

    The engine's driver knows the server's settings as parameters, libpq only as options.
    """
    parts = urlsplit(store)
    parameters = dict(parse_qsl(parts.query))
    names = [name for name in ("search_path", *_OPTIONS) if name in parameters]
    options = [f"-c{name}={parameters.pop(name)}" for name in names]
    if options:
        parameters["options"] = " ".join([parameters.get("options", ""), *options]).strip()
    return urlunsplit(parts._replace(query=urlencode(parameters, quote_via=quote)))
