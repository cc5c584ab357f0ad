"""What keys may be used for: every operation of the API is walked with every kind of key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask, Response
from werkzeug.test import TestResponse

from app.api import scopes
from app.clock import utcnow
from app.core.scopes import Scope
from app.extensions import db
from app.models import ApiKey, Instance, User
from app.services import accounts, named_keys
from app.transaction import transaction
from tests import factories
from tests.api.conftest import Api
from tests.test_every_route import (  # noqa: F401 - fixtures
    ADMINISTRATORS,
    MARK,
    OWNER,
    Way,
    ids,
    rows,
    settings,
    ways,
)

ALL = list(Scope)


@pytest.fixture
def operations(ways: list[Way]) -> list[Way]:  # noqa: F811
    """Every operation that somebody must be known for."""
    return [way for way in ways if way.is_api and view_of(way) not in scopes.OPEN]


@pytest.fixture
def bobs_other(app: Flask, bob: User) -> Instance:
    """The only instance that a limited key of bob's is for."""
    with app.app_context():
        return factories.instance(bob, name="Other")


def view_of(way: Way) -> str:
    return way.rule.endpoint.removeprefix("api.")


def key_of(app: Flask, user: User, wanted: list[Scope], **options: object) -> str:
    with app.app_context(), transaction() as session:
        owner = session.get_one(User, user.id)
        return named_keys.create(owner, name="Program", scopes=wanted, **options)[1]


def call(app: Flask, way: Way, key: str | None) -> TestResponse:
    headers = {"X-API-Key": key} if key else {}
    return app.test_client().open(way.path, method=way.method, json=way.body, headers=headers)


def refusal(app: Flask, way: Way, key: str | None) -> tuple[int, str]:
    answer = call(app, way, key)
    assert MARK not in answer.text, way
    return answer.status_code, answer.get_json(force=True)["code"]


def change(app: Flask, key: str, **values: object) -> None:
    """Has time pass for a key."""
    with app.app_context(), transaction() as session:
        row = session.query(ApiKey).filter_by(ending=key[-4:]).one()
        for name, value in values.items():
            setattr(row, name, value)


def test_every_operation_says_once_what_it_needs(ways: list[Way]) -> None:  # noqa: F811
    parts = (scopes.OPEN, scopes.READ, scopes.SEND, scopes.MANAGE, scopes.PERSONAL)
    declared = [view for part in parts for view in part]
    assert len(declared) == len(set(declared))
    assert set(declared) == {view_of(way) for way in ways if way.is_api}


def test_reading_changes_nothing(operations: list[Way]) -> None:
    questions = {"check_numbers"}  # which a body asks
    readers = [way for way in operations if view_of(way) in scopes.READ - questions]
    assert {way.method for way in readers} == {"GET"}


def test_no_operation_lets_in_who_has_no_key_that_counts(
    app: Flask, operations: list[Way], bob: User
) -> None:
    expired, revoked = key_of(app, bob, ALL), key_of(app, bob, ALL)
    change(app, expired, expires_at=utcnow() - timedelta(seconds=1))
    change(app, revoked, revoked_at=utcnow())
    before = rows(app, without=User(id="usr_nobody"))
    for way in operations:
        assert refusal(app, way, None) == (401, "unauthorized"), way
        assert refusal(app, way, "wam_wrong") == (401, "bad_api_key"), way
        assert refusal(app, way, revoked) == (401, "bad_api_key"), way
        assert refusal(app, way, expired) == (401, "api_key_expired"), way
    assert rows(app, without=User(id="usr_nobody")) == before


def test_no_operation_takes_a_key_that_is_too_narrow(
    app: Flask, operations: list[Way], bob: User
) -> None:
    lacking = {one: key_of(app, bob, [other for other in ALL if other != one]) for one in ALL}
    everything = key_of(app, bob, ALL)
    before = _but_for_uses(app)
    for way in operations:
        scope = scopes.scope_of(way.rule.endpoint)
        if scope is None:
            assert refusal(app, way, everything) == (403, "personal_key_needed"), way
        else:
            assert refusal(app, way, lacking[scope]) == (403, "scope_missing"), way
    assert _but_for_uses(app) == before


def test_no_operation_on_an_instance_takes_a_key_for_another_one(
    app: Flask, operations: list[Way], bob: User, bobs_other: Instance
) -> None:
    key = key_of(app, bob, ALL, only=[bobs_other])
    before = _but_for_uses(app)
    for way in operations:
        if "instance_id" in way.rule.arguments or "webhook_id" in way.rule.arguments:
            assert refusal(app, way, key) == (403, "outside_key"), way
    assert _but_for_uses(app) == before


def test_no_key_opens_what_is_somebody_elses(
    app: Flask, operations: list[Way], charlie: User
) -> None:
    key = key_of(app, charlie, ALL)
    before = rows(app, without=charlie)
    for way in operations:
        if way.rule.endpoint in OWNER and view_of(way) not in scopes.PERSONAL:
            assert refusal(app, way, key)[0] == 404, way
    assert rows(app, without=charlie) == before


def test_no_key_of_a_disabled_person_opens_anything(
    app: Flask, operations: list[Way], charlie: User
) -> None:
    key = key_of(app, charlie, ALL)
    with app.app_context(), transaction() as session:
        session.get_one(User, charlie.id).disabled_at = utcnow()
    for way in operations:
        assert refusal(app, way, key) == (403, "account_disabled"), way


def test_a_key_opens_what_it_is_for(
    app: Flask,
    operations: list[Way],
    alice: User,
    bob: User,
    ids: dict[str, str],  # noqa: F811
) -> None:
    with app.app_context():
        shop = db.session.get_one(Instance, ids["instance_id"])
        limited = {one: key_of(app, bob, [one], only=[shop]) for one in ALL}
    with app.app_context(), transaction():
        personal = accounts.create_key(alice).key_encrypted
    for endpoint in {way.rule.endpoint for way in operations}:
        app.view_functions[endpoint] = lambda **_: Response(status=204)  # nothing is done
    for way in operations:
        scope = scopes.scope_of(way.rule.endpoint)
        assert call(app, way, limited[scope] if scope else personal).status_code == 204, way


def test_a_limited_key_sees_its_instances_alone(api_with, bobs_other: Instance, bob: User, app):
    with app.app_context():
        hidden = factories.instance(bob, name="Hidden")
        shared = factories.endpoint(hidden)
        with transaction() as session:
            session.get_one(type(shared), shared.id).instance_id = None  # for all instances
        factories.endpoint(bobs_other)
    api = api_with(ALL, only=[bobs_other])
    assert [one["id"] for one in api.get("/api/instances").json["items"]] == [bobs_other.id]
    told = {one["instanceId"] for one in api.get("/api/webhooks").json["items"]}
    assert told == {bobs_other.id}
    for body in ({"url": "https://a.example/"}, {"url": "https://a.example/", "instanceId": "x"}):
        assert api.post("/api/webhooks", body).get_json(force=True)["code"] == "outside_key"
    answer = api.post("/api/instances", {"name": "New"})
    assert answer.get_json(force=True)["code"] == "outside_key"


def test_secrets_are_told_to_who_may_manage(api_with, app: Flask, instance: Instance):
    with app.app_context():
        webhook = factories.endpoint(instance).id
    reader, manager = api_with([Scope.READ]), api_with(ALL)
    for path in (
        f"/api/instances/{instance.id}?include=webhookSecret",
        f"/api/webhooks/{webhook}?include=secret",
    ):
        assert reader.get(path).get_json(force=True)["code"] == "scope_missing"
        assert manager.get(path).status_code == 200


@pytest.fixture
def api_with(app: Flask, bob: User, document) -> Callable[..., Api]:
    """Gives a program of bob's whose key has these scopes."""
    return lambda wanted, **options: Api(app, key_of(app, bob, wanted, **options), document)


def _but_for_uses(app: Flask) -> set[str]:
    """Every row but those that say when a key was used."""
    return {row for row in rows(app, User(id="usr_nobody")) if not row.startswith("api_keys ")}
