"""A program that calls the API, and holds every answer against the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from openapi_schema_validator import OAS31Validator
from werkzeug.test import TestResponse

from app.core.states import InstanceState
from app.extensions import db
from app.models import Instance, User
from app.services import accounts
from app.transaction import transaction
from tests import factories


class Api:
    """Calls as the owner of `key`, or as nobody."""

    def __init__(self, app: Flask, key: str | None, document: dict[str, Any]):
        self._client = app.test_client()
        self._key = key
        self._document = document

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        """The answer to a request; fails where the document does not know such an answer."""
        headers = {"X-API-Key": self._key} if self._key else {}
        headers |= options.pop("headers", {})
        answer = self._client.open(path, method=method, headers=headers, **options)
        self._check(method, path.partition("?")[0], answer)
        return answer

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.call("POST", path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.call("PUT", path, json=json, **options)

    def patch(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.call("PATCH", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.call("DELETE", path, **options)

    def _check(self, method: str, path: str, answer: TestResponse) -> None:
        operation = self._operation(method, path)
        if operation is None:
            return
        documented = operation["responses"]
        assert str(answer.status_code) in documented, f"{answer.status_code}: {answer.text}"
        content = documented[str(answer.status_code)].get("content")
        if content is None:
            assert answer.data == b""
            return
        [(content_type, shape)] = content.items()
        assert answer.mimetype == content_type
        schema = {**shape["schema"], "components": self._document["components"]}
        OAS31Validator(schema).validate(answer.get_json(force=True))

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for template, operations in self._document["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                return operations.get(method.lower())
        return None


_documents: list[dict[str, Any]] = []


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    """The OpenAPI document; it is the same for every application, and takes its time."""
    if not _documents:
        _documents.append(app.test_client().get("/api/openapi.json").get_json())
    return _documents[0]


@pytest.fixture
def api_of(app: Flask, document: dict[str, Any]) -> Callable[[User], Api]:
    """Gives a person's program."""

    def program(user: User) -> Api:
        with app.app_context(), transaction():
            key = accounts.create_key(user).key_encrypted
        return Api(app, key, document)

    return program


@pytest.fixture
def api(api_of: Callable[[User], Api], bob: User) -> Api:
    """bob's program."""
    return api_of(bob)


@pytest.fixture
def anonymous(app: Flask, document: dict[str, Any]) -> Api:
    """A program without a key."""
    return Api(app, None, document)


@pytest.fixture
def instance(app: Flask, bob: User) -> Instance:
    """bob's instance, never linked."""
    with app.app_context():
        return factories.instance(bob, name="Shop")


@pytest.fixture
def linked(app: Flask, bob: User) -> Instance:
    """bob's instance with a phone linked and connected."""
    with app.app_context():
        return _linked(bob, name="Linked")


@pytest.fixture
def foreign(app: Flask, charlie: User) -> Instance:
    """An instance of somebody else's, linked."""
    with app.app_context():
        return _linked(charlie, name="Foreign")


def _linked(owner: User, name: str) -> Instance:
    instance = factories.instance(owner, name=name, state=InstanceState.CONNECTED)
    factories.linked_account(instance, push_name=owner.name)
    db.session.refresh(instance)  # it stays readable when the session is gone
    return instance
