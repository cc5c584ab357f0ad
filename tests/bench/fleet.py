"""The whole product on the test network, and a fleet of phones linked to it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from app.sandbox.client import SandboxClient
from tests.product import ROOT, Product, running_product
from tests.waiting import wait_for

_EMAIL, _PASSWORD = "anna@example.com", "correct horse battery staple"
_LINK_WITHIN = 120.0  # seconds, for one phone
_AT_ONCE = 2  # phones that are linked side by side: PAIRING_WORKERS


@dataclass(frozen=True)
class Place:
    """Where a product keeps its data."""

    data_dir: Path
    database_url: str

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a product there: the defaults, on the test network."""
        return {
            "SANDBOX": "1",
            "DATABASE_URL": self.database_url,
            "REDIS_URL": "",
            "LOG_FORMAT": "json",
        }


@dataclass(frozen=True)
class Running:
    """A product that said it is ready."""

    place: Place
    product: Product
    started_at: datetime
    ready_after: float
    """Seconds from the start of the supervisor until it printed the address."""

    @property
    def sandbox(self) -> SandboxClient:
        """The test network's control."""
        state = json.loads((self.place.data_dir / "sandbox" / "sandbox.json").read_text())
        return SandboxClient(state["control_url"])

    def facts(self, event: str) -> list[dict[str, Any]]:
        """What the product's log says of `event`."""
        lines = [line for line in self.product.output.splitlines() if line.startswith("{")]
        return [fact for fact in map(json.loads, lines) if fact.get("event") == event]

    def since_start(self, timestamp: str) -> float:
        """Seconds from the start of the supervisor to that moment."""
        return (datetime.fromisoformat(timestamp) - self.started_at).total_seconds()


@contextlib.contextmanager
def running(place: Place) -> Iterator[Running]:
    """The product at `place`, started as a person starts it."""
    started_at, began = datetime.now(UTC), time.monotonic()
    with running_product(place.data_dir, **place.environment) as product:
        yield Running(place, product, started_at, time.monotonic() - began)


def link(place: Place, phones: int) -> None:
    """Links that many phones, each to an instance of its own, and stops the product."""
    with running(place) as run:
        key = _key_of_a_new_person(run)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda number: _link(run, key, number), range(phones)))


def _key_of_a_new_person(run: Running) -> str:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "users", "create", "--email", _EMAIL]
    environment = os.environ | run.place.environment | {"DATA_DIR": str(run.place.data_dir)}
    typed = f"{_PASSWORD}\n".encode()
    subprocess.run(command, cwd=ROOT, env=environment, input=typed, check=True, timeout=60)
    credentials = {"email": _EMAIL, "password": _PASSWORD}
    return str(_ask(run, "", "POST", "/auth/login", credentials)["apiKey"])


def _link(run: Running, key: str, number: int) -> None:
    instance = _ask(run, key, "POST", "/instances", {"name": f"Line {number}"})
    place = f"/instances/{instance['id']}"
    code = wait_for(
        lambda: _ask(run, key, "GET", f"{place}/qr?wait=30").get("qr"), _LINK_WITHIN, "a QR code"
    )
    run.sandbox.scan(code, f"1555200{number:04}", f"Phone {number}")
    wait_for(
        lambda: _ask(run, key, "GET", f"{place}/status")["state"] == "connected",
        _LINK_WITHIN,
        f"phone {number} is connected",
    )


def _ask(run: Running, key: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    url = f"{run.product.address}/api{path}"
    answer = requests.request(method, url, json=body, headers={"X-API-Key": key}, timeout=40)
    answer.raise_for_status()
    content: dict[str, Any] = answer.json()
    return content
