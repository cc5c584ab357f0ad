"""The OpenAPI document: valid, complete, and equal to the routes."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

Document = dict[str, Any]
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


def operations_of(document: Document) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def test_document_is_valid_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_document_has_every_route_and_no_other(app: Flask, document):
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods & METHODS
        if rule.rule.startswith("/api/") and not rule.rule.startswith(("/api/openapi", "/api/docs"))
    }
    assert {(path, method) for path, method, _ in operations_of(document)} == routes


def test_document_has_the_specifications_endpoints(document):
    expected = {"/api/auth/login", "/api/auth/me", "/api/instances", "/api/instances/{instance_id}"}
    expected |= {f"/api/instances/{{instance_id}}/{part}" for part in ("qr", "send")}
    assert expected <= document["paths"].keys()


def test_every_operation_has_an_id_of_its_own_a_summary_and_a_tag(document):
    operations = [operation for _, _, operation in operations_of(document)]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", one) for one in ids)
    assert all(operation["summary"] and operation["tags"] for operation in operations)


def test_every_body_has_an_example(document):
    for _, _, operation in operations_of(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert content["example"], operation["operationId"]


def test_every_operation_but_the_sign_in_asks_for_a_key_or_a_token(document):
    open_ones = [one["operationId"] for _, _, one in operations_of(document) if not one["security"]]
    assert open_ones == ["login"]


def test_every_reference_leads_somewhere(document):
    named = set(re.findall(r"#/components/schemas/([\w.]+)", str(document)))
    assert named <= document["components"]["schemas"].keys()


def test_fields_are_named_in_camel_case(document):
    for name, schema in document["components"]["schemas"].items():
        for field in schema.get("properties", {}):
            assert re.fullmatch(r"[a-z][A-Za-z]*", field), f"{name}.{field}"


def test_document_is_open_to_everybody(anonymous):
    assert anonymous.get("/api/openapi.json").status_code == 200


def test_the_page_of_the_document_needs_nothing_from_elsewhere(client):
    answer = client.get("/api/docs")
    assert answer.status_code == 200
    addresses = re.findall(r'(?:src|href|data-document)="([^"]+)"', answer.text)
    assert len(addresses) == 5
    for address in addresses:
        assert address.startswith("/")
        file = client.get(address)
        assert file.status_code == 200 and file.data
        small = client.get(address, headers={"Accept-Encoding": "gzip"})
        assert small.content_encoding == "gzip", address
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert client.get("/api/docs/other.js").status_code == 404
