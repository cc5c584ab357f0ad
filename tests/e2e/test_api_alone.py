"""The life of an instance by the API alone, on the whole product and the test network, with a
webhook's receiver that checks what it is sent."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from app.sandbox.client import SandboxClient
from tests.core.test_sniffing import picture
from tests.product import ROOT, Product, running_product
from tests.receiver import Receiver, Request, running_receiver
from tests.sounds import sound
from tests.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

EMAIL, PASSWORD = "anna@example.com", "correct horse battery staple"
ECHO = "+15551000010"
SOON = 30.0  # seconds


@pytest.fixture
def product(data_dir: Path) -> Iterator[Product]:
    """The whole product on the test network; webhooks may go to this machine."""
    settings = {"SANDBOX": "1", "SEND_GAP_MS": "50", "WEBHOOK_PRIVATE_ADDRESSES": "1"}
    with running_product(data_dir, **settings) as product:
        yield product


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where the webhook goes."""
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def sandbox(product: Product, data_dir: Path) -> SandboxClient:
    """The test network's control."""
    state = json.loads((data_dir / "sandbox" / "sandbox.json").read_text())
    return SandboxClient(state["control_url"])


class Program:
    """Somebody's program: it knows the address and a key."""

    def __init__(self, product: Product, key: str | None = None):
        self._address = f"{product.address}/api"
        self._headers = {"X-API-Key": key} if key else {}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and content of the answer."""
        answer = requests.request(
            method, self._address + path, json=body, headers=self._headers, timeout=40
        )
        return answer.status_code, answer.json() if answer.content else None

    def with_key_for(self, instance_id: str, *scopes: str) -> Program:
        """Another program, with a key that can do no more than this."""
        body = {"name": "Narrow", "scopes": scopes, "instanceIds": [instance_id]}
        status, made = self.ask("POST", "/keys", body)
        assert status == 201, made
        narrow = Program.__new__(Program)
        narrow._address, narrow._headers = self._address, {"X-API-Key": made["apiKey"]}
        return narrow


@pytest.fixture
def program(product: Product, data_dir: Path) -> Program:
    """A program with the key of the person made by the command."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "users", "create", "--email", EMAIL]
    environment = {**os.environ, "DATA_DIR": str(data_dir)}
    subprocess.run(
        command, cwd=ROOT, env=environment, input=f"{PASSWORD}\n".encode(), check=True, timeout=60
    )
    body = {"email": EMAIL, "password": PASSWORD}
    status, signed_in = Program(product).ask("POST", "/auth/login", body)
    assert status == 200, signed_in
    return Program(product, signed_in["apiKey"])


def test_an_instance_lives_by_the_api_alone(
    program: Program, sandbox: SandboxClient, receiver: Receiver
) -> None:
    _, instance = program.ask(
        "POST",
        "/instances",
        {"name": "Shop", "webhookUrl": receiver.url, "notifyDelivery": True, "notifyRead": True},
    )
    place = f"/instances/{instance['id']}"
    assert program.ask("GET", f"{place}/events")[1]["items"] == []

    status, code = program.ask("GET", f"{place}/qr?wait=30")
    assert status == 200, code
    sandbox.scan(code["qr"])
    connected = wait_for(lambda: status_if(program, place, "connected"), SOON, "connected")
    assert connected["phone"] == "+15551000002"
    assert program.ask("GET", f"{place}/qr")[0] == 409

    status, sent = program.ask("POST", f"{place}/send?wait=30", {"to": ECHO, "text": "Привет"})
    assert (status, sent["message"]["failure"]) == (200, None)
    path = f"{place}/messages/{sent['message']['id']}"
    wait_for(lambda: program.ask("GET", path)[1]["status"] == "read", SOON, "read")

    told = wait_for(lambda: events(receiver, "message_received"), SOON, "the reply is told")
    assert "Привет" in told[0]["data"]["body"]
    assert told[0]["data"]["from"] == "15551000010@s.whatsapp.net"
    assert told[0]["instanceId"] == told[0]["data"]["instanceId"] == instance["id"]
    wait_for(lambda: len(events(receiver, "message_status")) >= 2, SOON, "both statuses are told")
    statuses = [event["data"]["status"] for event in events(receiver, "message_status")]
    assert statuses == ["delivered", "read"]
    assert [event["data"]["source"] for event in events(receiver, "message_sent")] == ["api"]
    for request in receiver.requests:
        assert verified(instance["webhookSecret"], request)

    told_by_webhook = [json.loads(body) for body in receiver.bodies]
    fetched = [item["body"] for item in program.ask("GET", f"{place}/events")[1]["items"]]
    assert [body for body in told_by_webhook if body not in fetched] == []
    assert {"qr_received", "connected"} <= {body["event"] for body in fetched}

    sends_every_kind(program.with_key_for(instance["id"], "read", "send"), place)
    brings_contacts(program.with_key_for(instance["id"], "read", "manage"), place)

    assert program.ask("POST", f"{place}/logout")[0] == 202
    wait_for(lambda: status_if(program, place, "logged_out"), SOON, "logged out")
    wait_for(lambda: sandbox.account("15551000002")["devices"] == [], SOON, "unlinked")
    assert program.ask("DELETE", place)[0] == 204
    assert program.ask("GET", place)[0] == 404


def sends_every_kind(program: Program, place: str) -> None:
    """Each kind that there is, until WhatsApp has accepted it; and what is said about a message."""

    def accepted(method: str, path: str, body: Any = None) -> Any:
        status, answer = program.ask(method, f"{place}{path}?wait=30", body)
        assert status == 200, answer
        assert answer["message"]["failure"] is None, answer
        return answer["message"]

    def send(**what: Any) -> Any:
        return accepted("POST", "/send", {"to": ECHO, **what})

    image = base64.b64encode(picture("PNG")).decode()
    text = send(text="At five?")
    poll = send(poll={"question": "When?", "options": ["Today", "Tomorrow"]})
    sent = [
        text,
        poll,
        send(text="Yes", replyTo=text["id"]),
        send(location={"latitude": 55.75, "longitude": 37.62}),
        send(contacts=[{"name": "Anna", "phones": ["+79161234567"]}]),
        send(file={"data": image}, caption="Look"),
        send(file={"data": image}, type="document"),
        send(file={"data": image}, type="sticker"),
        send(file={"data": base64.b64encode(sound("mp3")).decode()}, type="voice"),
    ]
    kinds = [message["type"] for message in sent]
    assert kinds == [
        *("text", "poll", "text", "location", "contacts"),
        *("image", "document", "sticker", "voice"),
    ]
    about = f"/messages/{text['id']}"
    accepted("PUT", f"{about}/reaction", {"emoji": "👍"})
    accepted("PATCH", about, {"text": "At six?"})
    accepted("POST", f"/messages/{poll['id']}/vote", {"options": ["Today"]})
    accepted("DELETE", about)
    assert program.ask("GET", f"{place}{about}")[1]["deletedAt"] is not None
    status, batch = program.ask(
        "POST", f"{place}/send/batch", {"messages": [{"to": ECHO, "text": str(n)} for n in (1, 2)]}
    )
    assert (status, batch["accepted"]) == (200, 2)
    assert program.ask("POST", f"{place}/reconnect")[1]["code"] == "scope_missing"


def brings_contacts(program: Program, place: str) -> None:
    """Whom WhatsApp knows is copied into the database; and WhatsApp is asked about a number."""
    status, job = program.ask("POST", f"{place}/contacts/imports")
    assert status in {200, 201, 202}, job
    path = f"{place}/contacts/imports/{job['id']}"
    wait_for(lambda: program.ask("GET", path)[1]["state"] == "done", SOON, "imported")
    kept = program.ask("GET", f"{place}/contacts?source=database")[1]["items"]
    assert kept
    checked = program.ask("POST", f"{place}/contacts/check", {"phones": [ECHO, "+15559999999"]})[1]
    assert [one["exists"] for one in checked["items"]] == [True, False]


def status_if(program: Program, place: str, state: str) -> Any:
    """The status, once it is that."""
    status = program.ask("GET", f"{place}/status")[1]
    return status if status["state"] == state else None


def events(receiver: Receiver, name: str) -> list[Any]:
    """The events of this name that were sent."""
    told = [json.loads(body) for body in receiver.bodies]
    return [event for event in told if event["event"] == name]


def verified(secret: str, request: Request) -> Any:
    """The event, if the standardwebhooks package finds it signed."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Webhook(secret).verify(request.body, headers)
