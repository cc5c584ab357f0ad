"""The OpenAPI document, made from the schemas that check the requests."""

from __future__ import annotations

import json
import re
from typing import Any, cast

from apiflask import APIBlueprint, APIFlask
from flask import Flask, Response, current_app, jsonify

from app.api import links, scopes
from app.api.blueprint import bp
from app.api.problems import CONTENT_TYPE, Problem
from app.core.contact_tables import FIELDS
from app.version import VERSION

DESCRIPTION = """Many WhatsApp accounts ("instances") in one place.

Send the API key as `X-API-Key`, or it or a token from `POST /api/auth/login` as
`Authorization: Bearer`. The scope that a key needs stands with each operation: read, send, manage,
or personal for what only the personal key may do. Errors are problem documents (RFC 9457) with a
stable `code`."""
_SCHEMES = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_NUMBER = {"type": "integer", "minimum": 0}
_HEADERS = {
    "X-Request-Id": {
        "description": "The request's id; it stands in the server's log, too.",
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "Stands for the answer; send it as If-None-Match to hear 304 for the same.",
        "schema": {"type": "string"},
    },
    "Link": {
        "description": 'The address of the next page, with rel="next"; none at the end.',
        "schema": {"type": "string"},
    },
    "RateLimit-Limit": {"description": "Requests that a minute may have.", "schema": _NUMBER},
    "RateLimit-Remaining": {"description": "How many are left of them.", "schema": _NUMBER},
    "RateLimit-Reset": {"description": "Seconds until they are all there.", "schema": _NUMBER},
    "Retry-After": {"description": "Seconds to wait.", "schema": _NUMBER},
    "WWW-Authenticate": {"description": "How to say who calls.", "schema": {"type": "string"}},
}
_ALSO = {"401": ["WWW-Authenticate"], "429": ["Retry-After"], "503": ["Retry-After"]}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key gives the same message, however often it is sent.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_FORM = {
    "schema": {
        "type": "object",
        "required": ["to", "file"],
        "properties": {
            "to": {"type": "string", "maxLength": 100},
            "file": {"type": "string", "contentMediaType": "application/octet-stream"},
            "caption": {"type": "string", "maxLength": 1024},
            "type": {
                "enum": ["voice", "sticker", "gif", "document"],
                "description": "As what it is sent; without it its bytes decide, and what moves "
                "in a GIF goes as a GIF. voice: any audio; sticker: a PNG, JPEG, WebP or GIF "
                "picture; gif: an animated GIF, or a video of 60 seconds at most, its sound left "
                "out; document: any file as it is. The first two have no caption.",
            },
            "voice": {
                "type": "boolean",
                "default": False,
                "description": "The same as the type voice.",
            },
            "sendAt": {"type": "string", "format": "date-time"},
            "ttl": {"type": "integer"},
            "replyTo": {"type": "string", "maxLength": 64},
        },
    },
    "example": {"to": "+7 916 123-45-67", "caption": "Your invoice", "file": "(the bytes)"},
}
_FORM_OF_CONTACTS = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "contentMediaType": "application/octet-stream"},
            "encoding": {"enum": ["utf-8", "utf-16-le", "utf-16-be", "windows-1251"]},
            "delimiter": {"enum": [";", ",", "\t"]},
            "head": {"type": "boolean"},
            **{f"{one}Column": {"type": "integer", "minimum": 1} for one in FIELDS},
        },
    },
    "example": {"file": "(the bytes)", "phoneColumn": 2},
}
_REFUSALS = {
    "400": "The body is not JSON.",
    "401": "The key or the token is missing or wrong.",
    "403": "Your account is disabled, or you may not do this.",
    "404": "There is no such thing, or it is somebody else's.",
    "409": "Not possible in the present state.",
    "410": "What comes next is not kept any more; `oldestCursor` is one to go on from.",
    "413": "The body is too large.",
    "415": "The body is not declared as JSON.",
    "422": "A value cannot be accepted; `errors` names the fields.",
    "429": "Too many requests, or attempts; Retry-After says when to come back.",
    "503": "Busy, or no room for another one; Retry-After says when to come back.",
}
_NAMING = {
    *("createKey", "getApiKey", "listWebhooks", "createWebhook", "listAllDeliveries"),
    *("replayDeliveries", "listTopChats"),
}
"""Which name a thing beside the path."""
_CONFLICTING = frozenset({"getMedia", "getPhoneCode", "getPhoto", "getQrCode"})
"""What reads and needs a state; what changes something may always meet somebody who is faster."""


def configure(app: Flask) -> None:
    """Sets up the document of `app`."""
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        AUTO_200_RESPONSE=False,
        AUTO_404_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_SERVERS=False,
    )
    if isinstance(app, APIFlask):
        app.version = VERSION
        app.description = DESCRIPTION
        app.spec_processor(complete)  # type: ignore[arg-type]


@bp.get("/openapi.json")
@bp.doc(hide=True)
def show_openapi() -> Response:
    """This API's OpenAPI document; open to everybody."""
    return jsonify(document_of(current_app._get_current_object()))  # type: ignore[attr-defined]


def document_of(app: APIFlask) -> dict[str, Any]:
    """The document of `app`, all of whose views must be registered by now."""
    for blueprint in app.blueprints.values():
        if not isinstance(blueprint, APIBlueprint):
            # APIFlask asks every blueprint, its own or not.
            blueprint.enable_openapi = False  # type: ignore[attr-defined]
    return cast(dict[str, Any], app.spec)


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Adds what the views' schemas do not say: who may call, and how errors look."""
    components = document.setdefault("components", {})
    components["securitySchemes"] = _SCHEMES
    components["headers"] = {name: {"required": False} | one for name, one in _HEADERS.items()}
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = components.setdefault("schemas", {})
    schemas |= problem.pop("$defs", {}) | {"Problem": problem}
    needed = _scopes()
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            has_id, reads = "{" in path, method == "get"
            _complete_operation(operation, needed[path, method], has_id=has_id, reads=reads)
    links.add(document)
    used = {
        tag for path in document["paths"].values() for one in path.values() for tag in one["tags"]
    }
    document["tags"] = [tag for tag in document.get("tags", []) if tag["name"] in used]
    return _flattened(document)


def _flattened(document: dict[str, Any]) -> dict[str, Any]:
    """`document` with one schema of each name: APIFlask repeats those within others, as A.B."""
    document = json.loads(re.sub(r"(#/components/schemas/)\w+\.", r"\1", json.dumps(document)))
    schemas = document["components"]["schemas"]
    for name in [name for name in schemas if "." in name]:
        schemas.setdefault(name.rpartition(".")[2], schemas[name])
        del schemas[name]
    return document


def _scopes() -> dict[tuple[str, str], list[str]]:
    """What each path and method needs of a key: a scope, or `personal`."""
    return {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower()): [
            scopes.scope_of(rule.endpoint) or "personal"
        ]
        for rule in current_app.url_map.iter_rules()
        for method in rule.methods or ()
    }


def _complete_operation(
    operation: dict[str, Any], needed: list[str], *, has_id: bool, reads: bool
) -> None:
    name = operation["operationId"]
    operation["security"] = [] if name == "login" else [{key: needed} for key in _SCHEMES]
    body = operation.get("requestBody")
    if body is not None:
        body["required"] = True
    if name == "importContacts":
        form = {"multipart/form-data": _FORM_OF_CONTACTS}
        operation["requestBody"] = {"required": False, "content": form}
    if name == "sendMessage":
        operation["parameters"].append(_IDEMPOTENCY_KEY)
        operation["requestBody"]["content"]["multipart/form-data"] = _FORM
    if "wait" in _query_of(operation) and "202" in operation["responses"]:
        operation["responses"]["200"] = {
            **operation["responses"]["202"],
            "description": "With ?wait: WhatsApp has accepted or refused it.",
        }
    _name_headers(operation, name)
    for status in _refusals_of(operation, has_id=has_id, reads=reads):
        also = _named(*_ALSO.get(status, ()))
        operation["responses"][status] = {
            "description": _REFUSALS[status],
            "headers": _named("X-Request-Id") | also,
            "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }


def _query_of(operation: dict[str, Any]) -> set[str]:
    return {one["name"] for one in operation["parameters"] if one["in"] == "query"}


def _name_headers(operation: dict[str, Any], name: str) -> None:
    """What answers say beside their content: of any operation, of what reads, of lists."""
    responses = operation["responses"]
    rates = [] if name == "login" else [one for one in _HEADERS if one.startswith("RateLimit")]
    for answer in responses.values():
        answer["headers"] = _named("X-Request-Id", *rates)
    if name.startswith(("get", "list")) and "application/json" in responses["200"]["content"]:
        paged = {"Link"} if _query_of(operation) & {"cursor", "before"} else set()
        responses["200"]["headers"] |= _named("ETag", *paged)
        responses["304"] = {
            "description": "It is as If-None-Match says.",
            "headers": _named("X-Request-Id", "ETag", *paged, *rates),
        }


def _named(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _refusals_of(operation: dict[str, Any], *, has_id: bool, reads: bool) -> list[str]:
    statuses = {"401", "403", "429", "503"}
    if operation.get("requestBody"):
        statuses |= {"400", "413", "415", "422"}
    if any(one["in"] == "query" for one in operation["parameters"]):
        statuses.add("422")
    if has_id:
        statuses |= {"404"} if reads else {"404", "422"}
    if not reads or operation["operationId"] in _CONFLICTING:
        statuses.add("409")
    if operation["operationId"] in _NAMING:
        statuses.add("404")
    if operation["operationId"] in {"listEvents", "streamEvents"}:
        statuses.add("410")
    return sorted(statuses)
