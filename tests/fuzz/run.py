"""One run: the product, two people, and schemathesis as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.product import ROOT, Product, running_product

PASSWORD = "correct horse battery staple"
FOLDER = Path(__file__).parent
_ENDLESS = "streamEvents"
"""It answers for minutes; tests/api/test_events.py has it."""
_ENDS_KEYS = ("rotateApiKey",)
_ENDS_OTHERS = ("endFormerApiKeys", "endAllSignIns", "changePassword")
"""Called with keys of their own, which are gone then, or were never anybody else's."""


@dataclass(frozen=True)
class Target:
    """What is called, and with which keys."""

    product: Product
    key: str  # of an administrator
    key_to_end: str
    other_key: str


@contextmanager
def target(data_dir: Path) -> Iterator[Target]:
    """The product on the test network, without a limit of requests."""
    settings = {"SANDBOX": "1", "SEND_GAP_MS": "50", "API_RATE_LIMIT": "0"}
    with running_product(data_dir, **settings) as product:
        key = _administrator(product, data_dir)
        others = [_another(product, key, f"other{number}@example.org") for number in (1, 2)]
        yield Target(product, key, *others)


def fuzz(target: Target, *, seconds: int, examples: int, phases: str) -> tuple[bool, str]:
    """Whether nothing was found within so many seconds, and what schemathesis says."""
    apart = (*_ENDS_KEYS, *_ENDS_OTHERS, _ENDLESS)
    few = ("--phases", "examples,fuzzing")
    results = [
        _run(target, target.key, _named("exclude", apart), seconds, ("--phases", phases), examples),
        _run(target, target.key_to_end, _named("include", _ENDS_KEYS), 3, few, 1),
        _run(target, target.other_key, _named("include", _ENDS_OTHERS), 3, few, 1),
    ]
    return all(right for right, _ in results), "".join(said for _, said in results)


def _named(how: str, operations: tuple[str, ...]) -> list[str]:
    return [word for name in operations for word in (f"--{how}-operation-id", name)]


def _run(
    target: Target,
    key: str,
    which: list[str],
    seconds: int,
    phases: tuple[str, str],
    examples: int,
) -> tuple[bool, str]:
    command = [
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
        *("--config-file", str(FOLDER / "schemathesis.toml")),
        *("run", f"{target.product.address}/api/openapi.json"),
        *("-H", f"X-API-Key: {key}", "--checks", "all", *phases, *which),
        *("--max-examples", str(examples), "--max-time", str(seconds)),
        *("--request-timeout", "40", "--continue-on-failure", "--no-shrink", "--no-color"),
        *("--suppress-health-check", "all"),
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks"},
        capture_output=True,
        text=True,
        timeout=seconds + 120,
    )
    return done.returncode == 0, done.stdout + done.stderr


def _administrator(product: Product, data_dir: Path) -> str:
    """The key of a new administrator; not the one whose password the document has as an example."""
    email = "owner@example.org"
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "users", "create", "--admin"]
    subprocess.run(
        [*command, "--email", email],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(data_dir)},
        input=f"{PASSWORD}\n".encode(),
        check=True,
        timeout=60,
    )
    return _key_of(product, email)


def _another(product: Product, key: str, email: str) -> str:
    """The key of somebody whom the administrator with `key` adds."""
    body, headers = {"email": email, "password": PASSWORD}, {"X-API-Key": key}
    requests.post(f"{product.address}/api/users", json=body, headers=headers, timeout=20)
    return _key_of(product, email)


def _key_of(product: Product, email: str) -> str:
    body = {"email": email, "password": PASSWORD}
    answer = requests.post(f"{product.address}/api/auth/login", json=body, timeout=20)
    return str(answer.json()["apiKey"])
