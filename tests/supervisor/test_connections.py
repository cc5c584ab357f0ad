"""Whether the start looks if PostgreSQL takes all connections."""

from __future__ import annotations

import pytest

from app.config import Settings
from app.supervisor import connections
from app.supervisor.guard import StartRefused
from tests.postgres import PostgresServer
from tests.product import free_port, running_product


@pytest.fixture
def on_postgres(settings: Settings, postgres: PostgresServer, postgres_database: str) -> Settings:
    """Settings of a product on a PostgreSQL that gives 147 connections."""
    url = postgres.url_of(postgres_database)
    return settings.model_copy(update={"database_url": url})


def test_a_start_that_fits_is_allowed(on_postgres: Settings) -> None:
    connections.check(on_postgres.model_copy(update={"sessions_per_host": 40}))


def test_a_start_that_does_not_fit_names_the_settings(on_postgres: Settings) -> None:
    crowded = on_postgres.model_copy(update={"session_hosts": 2, "sessions_per_host": 50})
    missing = connections.needed_by(crowded) - 147

    with pytest.raises(StartRefused) as refused:
        connections.check(crowded)
    text = str(refused.value)
    assert text.startswith("DATABASE_URL: PostgreSQL gives 147 connections")
    assert "SESSION_HOSTS x SESSIONS_PER_HOST = 100 sessions" in text
    assert f"Raise max_connections by {missing}" in text


def test_every_session_costs_two_connections(settings: Settings) -> None:
    one, two = (settings.model_copy(update={"sessions_per_host": count}) for count in (1, 2))
    assert connections.needed_by(two) - connections.needed_by(one) == 2 * settings.session_hosts


def test_a_database_that_does_not_answer_is_told_in_one_line(settings: Settings) -> None:
    url = f"postgresql://me:secret@127.0.0.1:{free_port()}/manager"
    with pytest.raises(StartRefused, match="the database does not answer") as refused:
        connections.check(settings.model_copy(update={"database_url": url}))
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_product_does_not_start_without_room(on_postgres: Settings) -> None:
    with (
        pytest.raises(AssertionError, match="Cannot start: DATABASE_URL: PostgreSQL gives 147"),
        running_product(
            on_postgres.data_dir, DATABASE_URL=on_postgres.database_url, SESSIONS_PER_HOST="200"
        ),
    ):
        pass
