"""Errors over the API: problem documents, whatever goes wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from app.api.problems import _BY_KIND, _BY_STATUS
from app.core import errors
from app.services import instances
from tests import factories

ROOT = Path(__file__).resolve().parents[2]
JSON = {"Content-Type": "application/json"}


def problem_of(answer, status: int, code: str) -> dict:
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    problem = answer.get_json(force=True)
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, "about:blank")
    assert problem["title"] and problem["detail"]
    assert problem["requestId"] == answer.headers["X-Request-Id"]
    return problem


@pytest.mark.parametrize(
    "body", [b"", b"{", b"{'a': 1}", b"\xff\xfe", b"[" * 100_000, b"1" * 5000 + b"a"]
)
def test_malformed_json_is_400(api, body):
    problem_of(api.post("/api/instances", data=body, headers=JSON), 400, "malformed_json")


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"1"])
def test_json_that_is_no_object_is_422(api, body):
    problem_of(api.post("/api/instances", data=body, headers=JSON), 422, "not_an_object")


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_another_content_type_is_415(api, kind):
    headers = {"Content-Type": kind} if kind else {}
    answer = api.post("/api/instances", data=b'{"name": "A"}', headers=headers)
    problem_of(answer, 415, "unsupported_media_type")


def test_an_oversized_body_is_413(api, app: Flask):
    body = b'{"name": "' + b"a" * app.config["MAX_CONTENT_LENGTH"] + b'"}'
    problem_of(api.post("/api/instances", data=body, headers=JSON), 413, "too_large")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/instances/", "/api/%00"])
def test_an_unknown_address_is_404(api, path):
    problem_of(api.get(path), 404, "not_found")


def test_a_null_character_in_an_id_is_404(api):
    problem_of(api.get("/api/instances/ins_%00"), 404, "not_found")


def test_an_unknown_method_is_405_and_names_the_known_ones(api):
    answer = api.call("DELETE", "/api/instances")
    problem_of(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_every_wrong_field_is_named(api):
    body = {"name": 1, "maxRetries": "many", "typo": True}
    problem = problem_of(api.post("/api/instances", body), 422, "validation_failed")
    assert problem["field"] == "name"
    assert {error["field"]: error["code"] for error in problem["errors"]} == {
        "name": "string_type",
        "maxRetries": "int_parsing",
        "typo": "extra_forbidden",
    }


def test_a_bug_is_500_without_a_traceback(app: Flask, api, monkeypatch):
    def bug(*_, **__):
        raise RuntimeError("the secret inside")

    app.config["TESTING"] = False
    monkeypatch.setattr(instances, "page_of", bug)
    answer = api._client.get("/api/instances", headers={"X-API-Key": api._key})
    problem_of(answer, 500, "internal_error")
    assert "secret inside" not in answer.text
    assert "Traceback" not in answer.text


def test_a_busy_database_is_503_and_says_when_to_come_back(app: Flask, api, monkeypatch):
    def busy(*_, **__):
        raise OperationalError("SELECT secret", {}, Exception("database is locked"))

    monkeypatch.setattr(instances, "page_of", busy)
    answer = api._client.get("/api/instances", headers={"X-API-Key": api._key})
    problem_of(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert "SELECT" not in answer.text


@pytest.mark.parametrize(
    ("language", "detail"),
    [
        ("en", "There is no such instance."),
        ("ru", "Такого инстанса нет."),
        ("fr, ru;q=0.5", "Такого инстанса нет."),
    ],
)
def test_a_problem_speaks_the_callers_language(api, language, detail):
    answer = api.get("/api/instances/ins_nothing", headers={"Accept-Language": language})
    assert answer.get_json(force=True)["detail"] == detail


def test_a_problem_speaks_the_persons_language_when_the_program_names_none(api_of, app: Flask):
    with app.app_context():
        user = factories.user(language="en")
    answer = api_of(user).get("/api/instances/ins_nothing")
    assert answer.get_json(force=True)["detail"] == "There is no such instance."


def test_a_wrong_field_is_explained_in_russian(api):
    answer = api.post("/api/instances", {}, headers={"Accept-Language": "ru"})
    assert answer.json["errors"][0]["message"] == "Это поле обязательно."


def test_pages_get_pages_for_their_errors(client):
    answer = client.get("/nothing-here")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_every_request_has_an_id_of_its_own(client):
    first, second = (client.get("/health").headers["X-Request-Id"] for _ in range(2))
    assert first.startswith("req_")
    assert first != second


def codes_in_source() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "app").rglob("*.py"):
        if path.relative_to(ROOT / "app").parts[0] in {"sandbox", "ui"}:
            continue
        source = path.read_text()
        found |= set(re.findall(r"\bcode=\"([a-z_]+)\"", source))
        found |= set(re.findall(r"^    code = \"([a-z_]+)\"$", source, re.M))
    return found


def test_every_code_stands_in_the_table():
    _, _, section = (ROOT / "docs" / "api.md").read_text().partition("## Errors")
    table = set(re.findall(r"^\| `([a-z_]+)` \|", section, re.M))
    kinds = {kind.code for kind in vars(errors).values() if isinstance(kind, type)} - {"error"}
    used = codes_in_source() | kinds | set(_BY_KIND) | {code for code, _ in _BY_STATUS.values()}
    assert used - table - {"error"} == set()
    assert table - used - {"validation_failed"} == set()
