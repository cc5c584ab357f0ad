"""Whether the start looks if PostgreSQL takes all connections."""

from __future__ import annotations

import psycopg
import pytest

import app.connections
from app.config import Settings
from app.supervisor import connections
from app.supervisor.guard import StartRefused
from tests.postgres import PostgresServer
from tests.product import free_port, running_product

STOCK = 97
"""What PostgreSQL gives when nobody has set it up."""


@pytest.fixture
def on_postgres(settings: Settings, postgres: PostgresServer, postgres_database: str) -> Settings:
    """Settings of a product on such a PostgreSQL."""
    url = postgres.url_of(postgres_database)
    return settings.model_copy(update={"database_url": url})


def test_default_settings_start_and_say_how_many_sessions_fit(on_postgres: Settings) -> None:
    notice = connections.check(on_postgres)

    assert app.connections.capacity_of_host(on_postgres) == 30
    assert notice is not None
    assert notice.startswith("PostgreSQL gives 97 connections: room for 30 connected accounts")
    assert "For 50 raise its max_connections by 40." in notice


def test_raised_limit_has_room_for_all(on_postgres: Settings) -> None:
    missing = connections.needed_by(on_postgres) - STOCK

    assert app.connections.sessions_that_fit(on_postgres, STOCK + missing) == 50
    assert app.connections.sessions_that_fit(on_postgres, STOCK + missing - 1) == 49


def test_room_is_shared_among_the_hosts(on_postgres: Settings) -> None:
    two = on_postgres.model_copy(update={"session_hosts": 2})

    assert app.connections.capacity_of_host(two) == 13
    assert connections.needed_by(two.model_copy(update={"sessions_per_host": 13})) <= STOCK


def test_nothing_is_said_when_all_sessions_fit(on_postgres: Settings) -> None:
    few = on_postgres.model_copy(update={"sessions_per_host": 30})

    assert connections.check(few) is None
    assert app.connections.capacity_of_host(few) == 30


def test_a_start_without_room_for_a_session_names_the_settings(on_postgres: Settings) -> None:
    crowded = on_postgres.model_copy(update={"session_hosts": 20})
    missing = connections.needed_by(crowded) - STOCK

    with pytest.raises(StartRefused) as refused:
        connections.check(crowded)
    text = str(refused.value)
    assert text.startswith("DATABASE_URL: PostgreSQL gives 97 connections")
    assert f"Raise max_connections by {missing}, or lower SESSION_HOSTS" in text


def test_every_session_costs_two_connections(settings: Settings) -> None:
    one, two = (settings.model_copy(update={"sessions_per_host": count}) for count in (1, 2))
    assert connections.needed_by(two) - connections.needed_by(one) == 2 * settings.session_hosts


def test_a_database_that_does_not_answer_is_told_in_one_line(settings: Settings) -> None:
    url = f"postgresql://me:secret@127.0.0.1:{free_port()}/manager"
    with pytest.raises(StartRefused, match="the database does not answer") as refused:
        connections.check(settings.model_copy(update={"database_url": url}))
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_product_says_at_its_start_how_many_sessions_fit(on_postgres: Settings) -> None:
    environment = {"DATABASE_URL": on_postgres.database_url, "SANDBOX": "1"}
    with running_product(on_postgres.data_dir, **environment) as product:
        assert "room for 30 connected accounts" in product.output
        with psycopg.connect(on_postgres.database_url) as connection:
            count = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            held = connection.execute(count).fetchone()

    assert held is not None
    assert held[0] <= app.connections.besides_sessions(on_postgres)


def test_product_does_not_start_without_room(on_postgres: Settings) -> None:
    with (
        pytest.raises(AssertionError, match="Cannot start: DATABASE_URL: PostgreSQL gives 97"),
        running_product(
            on_postgres.data_dir, DATABASE_URL=on_postgres.database_url, SESSION_HOSTS="20"
        ),
    ):
        pass
