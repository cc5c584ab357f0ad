"""docs/webhooks.md: its snippets verify what is really sent, and its example is what is sent."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.signing import hex_signature
from app.jobs import webhooks as job
from app.models import Endpoint
from app.services import messaging
from app.transaction import transaction
from tests import factories
from tests.webhooks.conftest import SECRET

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text()
NODE = shutil.which("node")
SECRETS = [SECRET, "typed by hand"]


def snippets(language: str) -> str:
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.S))


@pytest.fixture(params=SECRETS)
def sent(request, instance, receiver, emit):
    """What a receiver was sent: secret, headers, body."""
    endpoint: Endpoint = factories.endpoint(instance, url=receiver.url, secret=request.param)
    emit("Привет")
    job.drain(endpoint.id)
    [arrived] = receiver.requests
    return {
        "secret": request.param,
        "headers": {name.lower(): value for name, value in arrived.headers.items()},
        "body": arrived.body.decode(),
    }


PYTHON = """
import sys
sent = json.loads(sys.stdin.read())
print(verify(sent["secret"], sent["headers"], sent["body"].encode())["data"]["body"])
print(is_ours(sent["secret"], sent["headers"]["x-webhook-signature"], sent["body"].encode()))
"""
JAVASCRIPT = """
const sent = JSON.parse(require("node:fs").readFileSync(0));
console.log(verify(sent.secret, sent.headers, Buffer.from(sent.body)).data.body);
"""


def run(command: list[str], sent: dict) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, input=json.dumps(sent), capture_output=True, text=True, timeout=60
    )


def python(sent: dict) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-X", "utf8", "-c", snippets("python") + PYTHON], sent)


def node(sent: dict) -> subprocess.CompletedProcess[str]:
    assert NODE is not None
    return run([NODE, "-e", snippets("js") + JAVASCRIPT], sent)


def test_the_python_snippet_accepts_what_is_sent(sent):
    assert python(sent).stdout.split() == ["Привет", "True"], python(sent).stderr


def test_the_python_snippet_refuses_another_body(sent):
    assert "wrong signature" in python(sent | {"body": sent["body"] + " "}).stderr


def test_the_python_snippet_refuses_an_old_request(sent):
    headers = sent["headers"] | {"webhook-timestamp": "1600000000"}
    assert "too old" in python(sent | {"headers": headers}).stderr


if NODE is not None:

    def test_the_node_snippet_accepts_what_is_sent(sent):
        assert node(sent).stdout.split() == ["Привет"], node(sent).stderr

    def test_the_node_snippet_refuses_another_body(sent):
        assert "wrong signature" in node(sent | {"body": sent["body"] + " "}).stderr


def test_the_simple_signature_is_of_the_body_alone(sent):
    expected = hex_signature(sent["secret"], sent["body"].encode())
    assert sent["headers"]["x-webhook-signature"] == expected


def test_the_example_has_the_fields_that_are_sent(endpoint, instance, receiver):
    [example] = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.S)]
    account = factories.linked_account(instance)
    chat = factories.chat(account)
    with transaction():
        messaging.store(
            messaging.Arrival(
                wa_id="3EB0",
                chat=chat,
                from_me=False,
                kind="text",
                text="Hi",
                at=chat.created_at,
                sender_phone=chat.phone,
                sender_lid=chat.lid,
                sender_name="Anna",
            )
        )
    job.drain(endpoint.id)
    sent = json.loads(receiver.bodies[0])
    assert (list(sent), list(sent["data"])) == (list(example), list(example["data"]))
