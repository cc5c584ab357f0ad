"""The control interface: what it refuses, and in which words."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.sandbox.client import SandboxError
from app.sandbox.testing import Sandbox
from tests.sandbox.acts import ALICE, ECHO, FRIEND, StartEngine, received
from tests.waiting import wait_for

SLOW = "15551000011"
KEY = base64.b64encode(bytes(32)).decode()


def _ask(
    sandbox: Sandbox, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, Any]:
    url = urlsplit(sandbox.announcement.control_url)
    connection = http.client.HTTPConnection("127.0.0.1", url.port or 0, timeout=5)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, json.load(response)
    finally:
        connection.close()


def test_a_new_world_has_its_cast(calm: Sandbox) -> None:
    state = calm.client.state()
    cast = [(a["number"], a["name"], a["behavior"], a["devices"]) for a in state["accounts"]]
    assert cast == [
        (ALICE, "Алиса", "silent", []),
        (ECHO, "Эхо", "echo", []),
        (SLOW, "Черепаха", "slow", []),
        (FRIEND, "Молчун", "silent", []),
        ("15551000013", "Художник", "picture", []),
        ("15551000014", "Диктор", "voice", []),
        ("15551000015", "Архивариус", "document", []),
        ("15551000016", "Штурман", "place", []),
        ("15551000017", "Передумкин", "fickle", []),
    ]
    assert state["accounts"][0]["lid"] == "943897525078344@lid"
    assert state["unhandled"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("GET", "/nothing", b"", 404, "there is nothing at /nothing"),
        ("POST", "/state", b"", 405, "POST is not possible here"),
        ("POST", "/accounts", b"{", 400, "the body is not JSON"),
        ("POST", "/accounts", b"[1]", 400, "the body is not an object"),
        ("POST", "/accounts", b"\xff", 400, "the body is not JSON"),
        ("POST", "/accounts", b"{}", 400, "number is needed, as text"),
        ("POST", "/accounts", b'{"number": 5}', 400, "number is needed, as text"),
        ("POST", "/accounts", b'{"number": "12"}', 400, "'12' is not a phone number"),
        (
            *("POST", "/accounts", b'{"number": "15551000099", "behavior": "rude"}', 400),
            "behavior is one of silent, echo, slow, picture, voice, document, place, fickle",
        ),
        ("POST", "/accounts", b'{"number": "+15551000002"}', 409, "already on the network"),
        ("POST", "/accounts/15559999999/send", b"{}", 404, "15559999999 is not on the network"),
        ("POST", "/accounts/15551000002/send", b'{"to": "15551000010"}', 400, "text is needed"),
        (
            *("POST", "/accounts/15551000002/send", b'{"to": "15559999999", "text": "x"}', 404),
            "15559999999 is not on the network",
        ),
        ("POST", "/accounts/15551000002/read", b'{"from": "15551000010", "ids": "x"}', 400, "ids"),
        ("DELETE", "/accounts/15551000002/devices/3", b"", 404, "has no linked device 3"),
        ("GET", "/log?since=x", b"", 400, "since is a number"),
        ("PUT", "/faults", b'{"rain": true}', 400, "there is no fault 'rain'"),
        ("PUT", "/faults", b'{"ack_delay_ms": "5"}', 400, "ack_delay_ms must be a number"),
        ("PUT", "/faults", b'{"ack_delay_ms": -5}', 400, "ack_delay_ms must be a number"),
        ("PUT", "/faults", b'{"ack_messages": 1}', 400, "ack_messages must be true or false"),
        ("PUT", "/faults", b'{"upload_failure": 200}', 400, "a status from 400 to 599"),
        ("PUT", "/faults", b'{"download_failure": true}', 400, "a status from 400 to 599"),
        ("POST", "/accounts/15551000002/react", b'{"to": "15551000010", "id": "x"}', 400, "emoji"),
        (
            *("POST", "/accounts/15551000002/location", b'{"to": "15551000010", "latitude": 91}'),
            *(400, "latitude is a number from -90 to 90"),
        ),
        (
            *("POST", "/accounts/15551000002/poll", b'{"to": "15551000010", "options": ["a"]}'),
            *(400, "2 to 12 different options"),
        ),
        ("POST", "/accounts/15551000002/call", b'{"to": "15551000002"}', 422, "themselves"),
        (
            *("POST", "/accounts/15551000002/call", b'{"to": "15551000010", "video": 1}', 400),
            "video must be true or false",
        ),
        (
            *("POST", "/accounts/15551000002/call", b'{"to": "15551000010", "ring_seconds": 0}'),
            *(400, "ring_seconds is a number up to 600"),
        ),
        ("POST", "/accounts/15551000002/hang-up", b'{"id": "x"}', 404, "no call 'x'"),
        ("PUT", "/faults", b'{"number": "15559999999"}', 404, "is not on the network"),
        (
            *("PUT", "/faults", b'{"number": "15551000002", "refuse_connections": true}', 400),
            "for everybody",
        ),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    calm: Sandbox, method: str, path: str, body: bytes, status: int, text: str
) -> None:
    got, answer = _ask(calm, method, path, body)
    assert (got, list(answer)) == (status, ["error"])
    assert text in answer["error"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_only_loopback_names_are_served(calm: Sandbox, host: str) -> None:
    assert _ask(calm, "GET", "/state", Host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:80"])
def test_loopback_names_are_served(calm: Sandbox, host: str) -> None:
    assert _ask(calm, "GET", "/state", Host=host)[0] == 200


@pytest.mark.parametrize(
    ("qr", "text"),
    [
        ("hello", "this is not a WhatsApp code"),
        ("a,b,c,d,e", "this is not a WhatsApp code"),
        (f"https://wa.me/settings/linked_devices#ref,{KEY},{KEY},{KEY},1", "not from this network"),
    ],
)
def test_a_foreign_code_cannot_be_scanned(calm: Sandbox, qr: str, text: str) -> None:
    with pytest.raises(SandboxError, match=text) as refused:
        calm.client.scan(qr, number="15551000077")
    assert refused.value.status == 422
    with pytest.raises(KeyError):
        calm.client.account("15551000077")


def test_a_code_cannot_be_scanned_twice_or_too_late(
    sandbox: Sandbox, start_engine: StartEngine
) -> None:
    engine = start_engine()
    qr = engine.wait_for("qr")["text"]
    ref, noise, identity, *rest = qr.partition("#")[2].split(",")
    with pytest.raises(SandboxError, match="does not belong to the device"):
        sandbox.client.scan(",".join((ref, identity, noise, *rest)))

    assert sandbox.client.scan(qr, number="15551000077", name="Новый").device == 1
    with pytest.raises(SandboxError, match="has been used"):
        sandbox.client.scan(qr)
    assert sandbox.client.account("15551000077")["name"] == "Новый"

    late = start_engine("late")
    qr = late.wait_for("qr")["text"]
    sandbox.client.set_faults(drop=True)
    with pytest.raises(SandboxError, match="has expired"):
        sandbox.client.scan(qr)


def test_accounts_write_to_each_other(sandbox: Sandbox) -> None:
    client = sandbox.client
    client.add_account("15551000021", "Борис", "echo")
    sent = client.send("15551000021", FRIEND, "привет")
    wait_for(lambda: received(sandbox, FRIEND))
    assert client.read(FRIEND, "15551000021", ["no such id"]) == []
    assert client.read(FRIEND, "15551000021") == [sent]
    assert client.read(FRIEND, "15551000021") == []
    entries = [e for e in client.log() if e["account"] == "15551000021"]
    assert [(e["kind"], e["type"]) for e in entries] == [
        ("message", "text"),
        ("receipt", "delivered"),
        ("receipt", "read"),
    ]


def test_a_slow_contact_answers_after_seconds(sandbox: Sandbox) -> None:
    sandbox.client.send(ALICE, SLOW, "ты где?")
    wait_for(lambda: received(sandbox, SLOW))
    assert received(sandbox, ALICE) == []
    wait_for(lambda: [m["text"] for m in received(sandbox, ALICE)] == ["Эхо: ты где?"], 10)


def test_an_echo_does_not_answer_an_echo(sandbox: Sandbox) -> None:
    sandbox.client.add_account("15551000022", "Эхо второе", "echo")
    sandbox.client.send(ECHO, "15551000022", "ау")
    wait_for(lambda: [m["text"] for m in received(sandbox, ECHO)] == ["Эхо: ау"], 10)
    sandbox.client.send(ECHO, "15551000022", "Эхо: ау")
    sandbox.client.send(ECHO, "15551000022", "и всё")
    wait_for(lambda: len(received(sandbox, ECHO)) == 2, 10)
    assert [m["text"] for m in received(sandbox, ECHO)] == ["Эхо: ау", "Эхо: и всё"]


def test_only_messages_of_the_chat_are_spoken_of_and_only_own_ones_changed(calm: Sandbox) -> None:
    sent = calm.client.send(FRIEND, ALICE, "моё")
    for act, status in (
        (lambda: calm.client.edit(ALICE, FRIEND, sent, "не моё"), 422),
        (lambda: calm.client.delete(ALICE, FRIEND, sent), 422),
        (lambda: calm.client.delete(FRIEND, ECHO, sent), 404),
        (lambda: calm.client.react(FRIEND, ALICE, "3A00", "👍"), 404),
        (lambda: calm.client.send(FRIEND, ALICE, "x", quote="3A00"), 404),
        (lambda: calm.client.play(ALICE, ECHO, sent), 404),
    ):
        with pytest.raises(SandboxError) as refused:
            act()
        assert refused.value.status == status


def test_an_echo_answers_what_is_said_not_what_is_said_of_it(sandbox: Sandbox) -> None:
    client = sandbox.client
    first = client.send(ALICE, ECHO, "раз")
    client.react(ALICE, ECHO, first, "👍")
    client.edit(ALICE, ECHO, first, "раз!")
    client.delete(ALICE, ECHO, first)
    client.send(ALICE, ECHO, "два")
    wait_for(lambda: len(received(sandbox, ALICE)) == 2, 10)
    assert [m["text"] for m in received(sandbox, ALICE)] == ["Эхо: раз", "Эхо: два"]
    kinds = [(m["type"], m["text"], m.get("target")) for m in received(sandbox, ECHO)]
    assert kinds == [
        ("text", "раз", None),
        ("reaction", "👍", first),
        ("edit", "раз!", first),
        ("delete", "", first),
        ("text", "два", None),
    ]


def test_the_log_can_be_read_on_from_where_it_was_left(sandbox: Sandbox) -> None:
    sandbox.client.send(ALICE, FRIEND, "раз")
    wait_for(lambda: len(sandbox.client.log()) == 3)
    seen = sandbox.client.log()
    sandbox.client.send(ALICE, FRIEND, "два")
    wait_for(lambda: len(sandbox.client.log(since=3)) == 3)
    assert sandbox.client.log()[:3] == seen
    assert [e["seq"] for e in sandbox.client.log()] == [1, 2, 3, 4, 5, 6]


def test_faults_of_one_number_leave_the_others_alone(sandbox: Sandbox) -> None:
    client = sandbox.client
    client.set_faults(ack_delay_ms=5)
    faults = client.set_faults(number=ALICE, login_failure=503)
    assert (faults["ack_delay_ms"], faults["login_failure"]) == (5, None)
    assert faults["numbers"][ALICE]["login_failure"] == 503
    client.reset_faults()
    assert client.faults()["numbers"] == {}
    assert client.faults()["ack_delay_ms"] == 0
