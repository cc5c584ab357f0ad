"""docs/webhooks.md: its snippets accept what is really sent, and nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.clock import utcnow
from app.core.signing import headers_for, hex_signature
from app.jobs import webhooks as job
from app.models import Endpoint
from app.services import webhooks
from app.transaction import transaction
from tests import factories
from tests.webhooks.conftest import SECRET

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text()
SECRETS = [SECRET, "typed by hand"]

PYTHON = """
import sys
def judged(one):
    try:
        return verify(one["secret"], one["headers"], one["body"].encode())["data"]["body"]
    except ValueError:
        return None
print(json.dumps([judged(one) for one in json.loads(sys.stdin.read())]))
"""
JAVASCRIPT = """
const judged = (one) => {
  try { return verify(one.secret, one.headers, Buffer.from(one.body)).data.body; }
  catch (error) { if (error instanceof TypeError) throw error; return null; }
};
console.log(JSON.stringify(JSON.parse(require("node:fs").readFileSync(0)).map(judged)));
"""
PHP = """
set_error_handler(function ($level, $text) { throw new ErrorException($text); });
$requests = json_decode(stream_get_contents(STDIN), true);
$judged = function ($one) {
    $event = verify($one['secret'], $one['headers'], $one['body']);
    return $event === null ? null : $event['data']['body'];
};
echo json_encode(array_map($judged, $requests));
"""
GO = """
package main

import (
	"encoding/json"
	"net/http"
	"os"
)

func main() {
	var requests []struct {
		Secret, Body string
		Headers      map[string]string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&requests); err != nil {
		panic(err)
	}
	judged := []any{}
	for _, one := range requests {
		header := http.Header{}
		for name, value := range one.Headers {
			header.Set(name, value)
		}
		if !Verify(one.Secret, header, []byte(one.Body)) {
			judged = append(judged, nil)
			continue
		}
		var event struct{ Data struct{ Body string } }
		if err := json.Unmarshal([]byte(one.Body), &event); err != nil {
			panic(err)
		}
		judged = append(judged, event.Data.Body)
	}
	json.NewEncoder(os.Stdout).Encode(judged)
}
"""


def snippets(language: str) -> str:
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.S))


def _python(_folder: Path) -> list[str]:
    return [sys.executable, "-X", "utf8", "-c", snippets("python") + PYTHON]


def _node(_folder: Path) -> list[str]:
    return ["node", "-e", snippets("js") + JAVASCRIPT]


def _php(_folder: Path) -> list[str]:
    return ["php", "-r", snippets("php") + PHP]


def _go(folder: Path) -> list[str]:
    (folder / "verify.go").write_text(f"package main\n\n{snippets('go')}")
    (folder / "main.go").write_text(GO)
    return ["go", "run", str(folder / "verify.go"), str(folder / "main.go")]


LANGUAGES: dict[str, Callable[[Path], list[str]]] = {"python": _python}
LANGUAGES |= {
    name: one for name, one in {"node": _node, "php": _php, "go": _go}.items() if shutil.which(name)
}
"""Those of the machine; PHP and Go are tried where somebody has installed them."""


def test_where_every_change_is_tried_the_snippets_can_run():
    there = shutil.which("node") and shutil.which("openssl")
    assert "CI" not in os.environ or there, "install node and openssl there"


@pytest.fixture(params=SECRETS)
def sent(request, instance, receiver, emit):
    """What a receiver was sent: secret, headers, body."""
    endpoint: Endpoint = factories.endpoint(instance, url=receiver.url, secret=request.param)
    return taken(endpoint, receiver, emit) | {"secret": request.param}


def taken(endpoint: Endpoint, receiver, emit) -> dict[str, Any]:
    emit("Привет")
    job.drain(endpoint.id)
    [arrived] = receiver.requests
    headers = {name.lower(): value for name, value in arrived.headers.items()}
    return {"headers": headers, "body": arrived.body.decode()}


@pytest.fixture
def rotated(instance, receiver, emit, bob) -> list[dict[str, Any]]:
    """What is sent while two secrets count, once with each of them."""
    endpoint = factories.endpoint(instance, url=receiver.url, secret="typed by hand")
    with transaction() as session:
        new = webhooks.rotate_secret(session.get_one(Endpoint, endpoint.id), actor=bob)
    arrived = taken(endpoint, receiver, emit)
    return [arrived | {"secret": secret} for secret in ("typed by hand", new)]


def judged(language: str, folder: Path, requests: list[dict[str, Any]]) -> list[str | None]:
    """What the snippet says of each request: the text of the message, or None for a refusal."""
    done = subprocess.run(
        LANGUAGES[language](folder),
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        timeout=240,  # Go builds its library the first time
        env={"GOCACHE": str(folder / "cache"), **os.environ},
    )
    assert done.returncode == 0, done.stderr
    answers: list[str | None] = json.loads(done.stdout)
    return answers


def changed(sent: dict[str, Any], **headers: str | None) -> dict[str, Any]:
    """The same request with other headers, or without those that are None."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    left = {name: value for name, value in sent["headers"].items() if name not in named}
    return sent | {"headers": left | {name: value for name, value in named.items() if value}}


def signed_at(sent: dict[str, Any], minutes: int) -> dict[str, Any]:
    """The same request, rightly signed so many minutes from now."""
    moment = utcnow() + timedelta(minutes=minutes)
    of_then = headers_for(
        sent["secret"], sent["body"].encode(), delivery_id=sent["headers"]["webhook-id"], now=moment
    )
    return changed(sent, **{name.lower().replace("-", "_"): of_then[name] for name in of_then})


def forgeries(sent: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Requests that are to be refused, by what is wrong with them."""
    signature = sent["headers"]["webhook-signature"]
    return {
        "another body": sent | {"body": sent["body"] + " "},
        "another secret": sent | {"secret": "somebody else's"},
        "another id": changed(sent, webhook_id="dlv_other"),
        "another time": changed(sent, webhook_timestamp="1600000000"),
        "no time": changed(sent, webhook_timestamp=None),
        "signed ten minutes ago": signed_at(sent, -10),
        "signed in ten minutes": signed_at(sent, 10),
        "another signature": changed(sent, webhook_signature="v1," + "A" * 43 + "="),
        "a signature of strange letters": changed(sent, webhook_signature="v1,é"),
        "another version": changed(sent, webhook_signature=signature.replace("v1,", "v2,")),
        "no signature": changed(sent, webhook_signature=None),
        "none of the headers": sent | {"headers": {}},
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_snippet_accepts_what_is_sent_and_refuses_what_is_forged(language, sent, tmp_path):
    wrong = forgeries(sent)
    several = changed(sent, webhook_signature="v1a,x " + sent["headers"]["webhook-signature"])
    answers = judged(language, tmp_path, [sent, several, signed_at(sent, -4), *wrong.values()])
    assert answers[:3] == ["Привет"] * 3
    assert dict(zip(wrong, answers[3:], strict=True)) == dict.fromkeys(wrong)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_snippet_accepts_either_secret_while_both_count(language, rotated, tmp_path):
    assert judged(language, tmp_path, rotated) == ["Привет", "Привет"]


def is_ours(sent: dict[str, Any]) -> bool:
    scope: dict[str, Any] = {}
    exec(snippets("python"), scope)  # noqa: S102 - our own document
    return bool(scope["is_ours"](sent["secret"], sent["headers"], sent["body"].encode()))


def test_the_simple_check_accepts_what_is_sent_and_refuses_what_is_forged(sent):
    assert is_ours(sent)
    assert not is_ours(sent | {"body": sent["body"] + " "})
    assert not is_ours(changed(sent, x_webhook_signature="é"))
    assert not is_ours(sent | {"headers": {}})


def test_the_simple_check_accepts_either_secret_while_both_count(rotated):
    assert all(is_ours(sent) for sent in rotated)


if shutil.which("openssl"):

    def test_the_line_of_shell_tells_what_is_ours(sent, tmp_path):
        (tmp_path / "body").write_text(sent["body"])
        signature = sent["headers"]["x-webhook-signature"]
        ours, forged = (
            subprocess.run(
                ["/bin/sh", "-c", f"{snippets('bash')}\nfits"],
                cwd=tmp_path,
                env=os.environ | {"SECRET": sent["secret"], "X_WEBHOOK_SIGNATURE": one},
            ).returncode
            for one in (signature, signature[::-1])
        )
        assert (ours, forged) == (0, 1)


def test_the_simple_signature_is_of_the_body_alone(sent):
    expected = hex_signature(sent["secret"], sent["body"].encode())
    assert sent["headers"]["x-webhook-signature"] == expected
