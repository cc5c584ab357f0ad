"""The Python client of clients/python against the real API."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from flask import Flask
from whatsapp_manager import ApiError, Client

from app.models import User
from app.services import accounts
from app.transaction import transaction
from tests import factories
from tests.api.test_documentation import address  # noqa: F401 - a fixture
from tests.core.test_sniffing import picture

SOURCE = Path(__file__).resolve().parents[2] / "clients/python/whatsapp_manager"


@pytest.fixture
def client(app: Flask, bob: User, address: str) -> Iterator[Client]:  # noqa: F811
    """bob's program, on a real connection."""
    with app.app_context(), transaction():
        key = accounts.create_key(bob).key_encrypted
    with Client(address.removesuffix("/api"), str(key)) as client:
        yield client


def test_an_instance_is_made_changed_listed_and_deleted(client: Client) -> None:
    made = client.create_instance("Shop", description="Orders")
    assert client.change_instance(made["id"], name="Store")["name"] == "Store"
    assert [one["id"] for one in client.instances()] == [made["id"]]
    client.delete_instance(made["id"])
    with pytest.raises(ApiError) as caught:
        client.instance(made["id"])
    assert (caught.value.status, caught.value.code) == (404, "instance_not_found")


def test_every_kind_of_message_is_sent(client: Client, linked, tmp_path: Path) -> None:
    to, content = "+7 916 123-45-67", picture("PNG")
    (tmp_path / "a.png").write_bytes(content)
    sent = [
        client.send_text(linked.id, to, "Hi", ttl=60, idempotency_key="one"),
        client.send_location(linked.id, to, 55.75, 37.62, name="Shop"),
        client.send_file(linked.id, to, content, name="b.png", kind="document"),
        client.send_file(linked.id, to, tmp_path / "a.png", caption="Look"),
    ]
    kinds = [one["type"] for one in sent]
    assert kinds == ["text", "location", "document", "image"]
    assert (
        client.send_text(linked.id, to, "Hi", ttl=60, idempotency_key="one")["id"] == sent[0]["id"]
    )
    assert client.media(linked.id, sent[3]["id"]) == content
    assert client.message(linked.id, sent[3]["id"])["body"] == "Look"
    batch = client.send_batch(linked.id, [{"to": to, "text": "A"}, {"to": "x", "text": "B"}])
    assert [one["status"] for one in batch] == [202, 422]
    [chat] = client.chats(linked.id)
    found = list(client.messages(linked.id, chat["id"]))
    assert len(found) == 5
    client.mark_read(linked.id, chat["id"])


def test_long_lists_come_whole(app: Flask, client: Client, linked) -> None:
    with app.app_context():
        made = {factories.contact(linked).id for _ in range(55)}
    assert {one["id"] for one in client.contacts(linked.id, "database")} == made


def test_events_are_followed(client: Client, linked) -> None:
    client.call("GET", f"/instances/{linked.id}/events")  # from now on they are kept
    client.call("POST", f"/instances/{linked.id}/logout")
    [event] = islice(client.follow(linked.id), 1)
    assert event["body"]["instanceId"] == linked.id


def test_what_it_calls_is_in_the_document(document) -> None:
    tree = ast.parse((SOURCE / "client.py").read_text())
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call)]
    paths = {
        "/api/instances/{}/" + "/".join(_part(one) for one in call.args[1:])
        for call in calls
        if getattr(call.func, "id", "") == "_in"
    }
    known = {re.sub(r"\{\w+\}", "{}", path) for path in document["paths"]}
    assert len(paths) > 10
    assert {path.rstrip("/") for path in paths} <= known


def _part(word: ast.expr) -> str:
    return str(word.value) if isinstance(word, ast.Constant) else "{}"
