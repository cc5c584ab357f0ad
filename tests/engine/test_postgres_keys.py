"""The engine's keys in PostgreSQL: in a schema of their own, as good as a file."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from app.engine import keystore
from app.engine.events import Connected
from app.sandbox.testing import Sandbox
from tests.engine.conftest import OWN_NUMBER, PEER, messages_at
from tests.engine.driver import EngineProcess
from tests.postgres import PostgresServer
from tests.waiting import wait_for


@pytest.fixture
def database_url(postgres: PostgresServer, postgres_database: str) -> str:
    """A migrated database."""
    return postgres.url_of(postgres_database)


@pytest.fixture
def store(database_url: str) -> str:
    return keystore.url_for_engine(database_url)


@pytest.fixture
def linked(
    sandbox: Sandbox, store: str, start_process: Callable[[], EngineProcess]
) -> tuple[str, str]:
    """A JID whose keys are in the database, and the code that linked it."""
    process = start_process()
    number = process.start_doing("pair", store=store, proxy=sandbox.announcement.proxy_url)
    code = process.wait_line("qr")["text"]
    sandbox.client.scan(code, OWN_NUMBER, "Owner")
    jid = process.answer(number)["jid"]
    wait_for(lambda: not process.is_running(), what="the pairing process has left")
    return jid, code


@pytest.fixture
def session(
    linked: tuple[str, str],
    sandbox: Sandbox,
    store: str,
    start_process: Callable[[], EngineProcess],
) -> tuple[EngineProcess, str]:
    """A connected session on the keys in the database."""
    jid, _ = linked
    process = start_process()
    process.do("open", jid=jid, store=store, proxy=sandbox.announcement.proxy_url)
    process.do("start", jid=jid)
    process.wait_event(Connected)
    return process, jid


def tables_in(database_url: str, schema: str) -> set[str]:
    with psycopg.connect(database_url) as connection:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
        return {row[0] for row in connection.execute(query, (schema,))}


def test_message_of_a_killed_session_is_found_by_its_secret(
    session: tuple[EngineProcess, str], sandbox: Sandbox, store: str
):
    process, jid = session
    secret = secrets.token_bytes(32)
    sandbox.client.set_faults(ack_messages=False)
    process.start_doing("send", jid=jid, to=PEER, text="did it go?", secret=secret.hex())
    delivered = wait_for(lambda: messages_at(sandbox), what="the peer has the message")
    process.kill()
    assert keystore.find_sent_id(store, jid, secret) == delivered[0]["id"]
    assert keystore.find_sent_id(store, jid, bytes(32)) is None


def test_how_the_phone_keeps_chats_is_read(session: tuple[EngineProcess, str], sandbox: Sandbox):
    process, jid = session
    sandbox.client.keep(OWN_NUMBER, PEER.partition("@")[0], archived=True, muted_until=-1)

    def known() -> list[tuple[str, bool, bool]]:
        found = process.do("keeping", jid=jid, method="known")
        return [(one["jid"], one["archived"], one["muted_until"] is not None) for one in found]

    wait_for(lambda: known() == [(PEER, True, True)], 20, "the phone's change is known")
    assert process.do("keeping", jid=jid, method="stamp").isdigit()


def test_engine_keeps_to_its_own_schema(linked: tuple[str, str], database_url: str):
    assert "whatsmeow_device" in tables_in(database_url, "engine")
    assert not {one for one in tables_in(database_url, "public") if one.startswith("whatsmeow")}


def test_account_of_an_attempt_is_found_by_its_code(linked: tuple[str, str], store: str):
    jid, code = linked
    found = keystore.linked_account(store, code)
    assert found is not None
    assert found.jid == jid
    other = code.rpartition(",")[0].rpartition(",")[0] + f",{'A' * 43}=,0"
    assert keystore.linked_account(store, other) is None
    assert keystore.linked_account(store, None) is None


def test_nothing_is_left_of_a_removed_account(
    session: tuple[EngineProcess, str], store: str, database_url: str
):
    process, jid = session
    process.do("send", jid=jid, to=PEER, text="hello", secret=secrets.token_hex(32))
    process.kill()
    assert keystore.accounts(store) == [jid]
    keystore.remove_account(store, jid)
    assert keystore.accounts(store) == []
    left = {table for table in tables_in(database_url, "engine") if rows_of(store, table, jid)}
    assert left == set()


def rows_of(store: str, table: str, jid: str) -> bool:
    """Whether the table says anything of the account."""
    with psycopg.connect(keystore.libpq_url(store)) as connection:
        query = f"SELECT 1 FROM {table} AS one WHERE one::text LIKE %s LIMIT 1"  # noqa: S608
        return connection.execute(query, (f"%{jid}%",)).fetchone() is not None


def test_session_goes_on_when_the_server_dropped_its_connections(
    session: tuple[EngineProcess, str], sandbox: Sandbox, database_url: str
):
    process, jid = session
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    process.do("send", jid=jid, to=PEER, text="still here", secret=secrets.token_hex(32))
    wait_for(lambda: [one["text"] for one in messages_at(sandbox)] == ["still here"])


def test_url_for_the_engine_asks_for_its_schema_and_takes_tls_where_there_is_some():
    url = keystore.url_for_engine("postgresql://me:p%40ss@db.example/manager?connect_timeout=5")
    parts = urlsplit(url)
    assert (parts.username, parts.password, parts.path) == ("me", "p%40ss", "/manager")
    assert parse_qs(parts.query) == {
        "sslmode": ["prefer"],
        "connect_timeout": ["5"],
        "search_path": ["engine"],
        "idle_in_transaction_session_timeout": ["15000"],
    }


def test_own_choice_of_tls_is_kept():
    url = keystore.url_for_engine("postgresql://db/manager?sslmode=verify-full")
    assert "sslmode=verify-full" in url and "prefer" not in url


def test_libpq_gets_all_settings_of_the_server_as_options():
    url = keystore.url_for_engine("postgresql://db/manager?options=-cwork_mem%3D8MB")
    options = conninfo_to_dict(keystore.libpq_url(url))["options"]
    assert options == (
        "-cwork_mem=8MB -csearch_path=engine -cidle_in_transaction_session_timeout=15000"
    )
