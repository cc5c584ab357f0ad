from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from app.clock import utcnow
from app.config import Settings
from app.extensions import db
from tests import factories


@pytest.fixture
def live_host(app: Flask) -> None:
    with app.app_context():
        factories.host()


def test_health_answers_without_anything_else(client: FlaskClient) -> None:
    answer = client.get("/health")

    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


@pytest.mark.usefixtures("live_host")
def test_ready_when_all_that_is_needed_answers(client: FlaskClient) -> None:
    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json == {
        "status": "ok",
        "checks": {"database": "ok", "redis": "ok", "session_host": "ok"},
    }


def test_not_ready_without_a_session_host(client: FlaskClient) -> None:
    assert failed_checks(client) == ["session_host"]


def test_not_ready_when_the_host_was_not_seen_lately(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        factories.host(seen_at=utcnow() - timedelta(seconds=16))

    assert failed_checks(client) == ["session_host"]


@pytest.mark.usefixtures("live_host")
def test_not_ready_without_redis(app: Flask, client: FlaskClient, settings: Settings) -> None:
    app.extensions["redis"].connection_pool.connection_kwargs["path"] = "/nowhere/redis.sock"

    assert failed_checks(client) == ["redis"]


@pytest.mark.usefixtures("live_host")
def test_not_ready_without_a_database(app: Flask, client: FlaskClient) -> None:
    def nobody_answers(*_: object) -> None:
        raise OperationalError("connect", {}, Exception("nobody is there"))

    with app.app_context():
        db.engine.dispose()
        event.listen(db.engine, "do_connect", nobody_answers)

    assert failed_checks(client) == ["database", "session_host"]


def failed_checks(client: FlaskClient) -> list[str]:
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["status"] == "failed"
    return [name for name, result in answer.json["checks"].items() if result != "ok"]
