"""A limit that is reached is told, although what reached it is undone."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core.errors import Conflict
from app.extensions import db
from app.models import Delivery, Endpoint, Instance, User
from app.services import instances, limits, webhooks
from app.services.limits import Limit
from app.services.webhooks import Wish
from app.transaction import after_rollback, transaction
from tests import factories

URL = "https://shop.example/hook"


@pytest.fixture
def shop(app_context, bob) -> Instance:
    return factories.instance(bob)


@pytest.fixture
def told(shop):
    """What bob's webhook was told so far."""
    factories.endpoint(shop, events=["limit_exceeded"])

    def said() -> list[dict]:
        db.session.rollback()
        bodies = db.session.scalars(select(Delivery.body).order_by(Delivery.id))
        return [json.loads(body) for body in bodies]

    return said


def create_another(bob: User) -> None:
    with pytest.raises(Conflict), transaction() as session:
        owner = session.get_one(User, bob.id)
        owner.instance_limit = 1
        session.flush()
        instances.create(owner=owner, name="Another")


def test_the_limit_of_instances_is_told(bob, told):
    create_another(bob)
    (event,) = told()
    assert (event["event"], event["instanceId"]) == ("limit_exceeded", None)
    assert (event["data"]["limit"], event["data"]["most"]) == ("instances", 1)
    assert db.session.scalar(select(func.count()).select_from(Instance)) == 1


def test_a_limit_is_told_once_an_hour_each(app, bob, told):
    create_another(bob)
    create_another(bob)
    assert len(told()) == 1
    ends = app.extensions["redis"].ttl(f"once:limit:{bob.id}:instances")
    assert timedelta(minutes=59) < timedelta(seconds=ends) <= timedelta(hours=1)
    with transaction():
        limits.tell(bob.id, Limit.WEBHOOKS, 20)
    assert len(told()) == 2


def test_the_limit_of_webhooks_is_told(bob, told, monkeypatch):
    monkeypatch.setattr(webhooks, "MAX_ENDPOINTS", 0)
    with pytest.raises(Conflict), transaction() as session:
        owner = session.get_one(User, bob.id)
        webhooks.create(owner, None, Wish(URL), actor=owner)
    assert [event["data"]["limit"] for event in told()] == ["webhooks"]


def test_every_address_of_the_person_is_told_once_and_nobody_elses(bob, charlie, told):
    theirs = factories.instance(charlie)
    factories.endpoint(theirs, url=URL, events=["limit_exceeded"])
    everywhere = factories.endpoint(
        factories.instance(bob), instance_id=None, events=["limit_exceeded"]
    )
    factories.endpoint(factories.instance(bob), events=["message_received"], url=URL)
    create_another(bob)
    assert len(told()) == 1
    assert db.session.scalars(select(Endpoint.id).join(Delivery)).all() == [everywhere.id]


def test_guesses_at_an_account_are_told_to_its_owner(told, client):
    body = {"email": "Bob@example.com", "password": "a wrong password"}
    for number in range(31):
        answer = client.post(
            "/api/auth/login", json=body, environ_base={"REMOTE_ADDR": f"10.0.0.{number}"}
        )
    assert answer.status_code == 429
    assert [(one["data"]["limit"], one["data"]["most"]) for one in told()] == [("sign_ins", 30)]


def test_guesses_from_one_address_are_told_to_nobody(told, client):
    body = {"email": "bob@example.com", "password": "a wrong password"}
    answers = [client.post("/api/auth/login", json=body) for _ in range(12)]
    assert answers[-1].status_code == 429
    assert told() == []


def test_what_is_for_a_rollback_is_dropped_by_a_commit(app_context):
    done: list[str] = []
    with transaction():
        after_rollback(lambda: done.append("committed"), key="one")
    with pytest.raises(ZeroDivisionError), transaction():
        after_rollback(lambda: done.append("undone"), key="one")
        raise ZeroDivisionError
    assert done == ["undone"]
