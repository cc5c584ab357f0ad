"""What the database does for those who wait for somebody who sleeps."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app import create_app, database
from app.config import Settings
from app.extensions import db
from app.transaction import transaction
from tests.postgres import PostgresServer

_LOCK = "SELECT pg_advisory_xact_lock(1)"


def test_postgresql_ends_a_transaction_that_sleeps_and_lets_the_others_go_on(
    settings: Settings,
    postgres: PostgresServer,
    postgres_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database, "IDLE_AT_MOST_MS", 300)
    url = postgres.url_of(postgres_database)
    app = create_app(settings.model_copy(update={"database_url": url}), web=False)
    with app.app_context():
        with pytest.raises(DBAPIError), transaction() as session:
            session.execute(text(_LOCK))
            with psycopg.connect(url, options="-cstatement_timeout=20000") as other:
                other.execute(_LOCK)  # while the transaction above does nothing
            session.execute(text("SELECT 1"))
        db.engine.dispose()
    app.extensions["redis"].close()
