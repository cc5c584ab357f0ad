"""The stage: the whole product on the test network, with linked phones and a receiver."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests

from app.sandbox.client import SandboxClient
from app.sandbox.testing import Sandbox
from tests.chaos import supervisor
from tests.chaos.database import Database, running_database
from tests.product import ROOT, Product, free_port, start
from tests.receiver import Receiver, running_receiver
from tests.waiting import wait_for

EMAIL, PASSWORD = "anna@example.com", "correct horse battery staple"
SETTINGS = {
    "SANDBOX": "1",
    "SESSION_HOSTS": "2",
    "SESSIONS_PER_HOST": "12",
    "SEND_GAP_MS": "50",
    "WEBHOOK_PRIVATE_ADDRESSES": "1",
    "REDIS_URL": "",
    "LOG_LEVEL": "INFO",
}
READY_WITHIN = 60.0
LINK_WITHIN = 90.0  # seconds, for each phone


@dataclass(frozen=True)
class Line:
    """One linked phone: who writes to it, and whom it writes to. Two chats, so that no two
    messages cross in one: the engine can lose one of them (docs/sandbox.md)."""

    instance_id: str
    phone: str
    author: str
    reader: str


@dataclass
class Stage:
    """What the scenarios act on."""

    network: Sandbox
    receiver: Receiver
    database: Database
    data_dir: Path
    settings: dict[str, str]
    output: Path
    port: int = field(default_factory=free_port)
    key: str = ""
    lines: list[Line] = field(default_factory=list)

    def start(self) -> None:
        """Starts the product, as a person would; returns when it is ready."""
        with self.output.open("ab") as file:
            process = start(
                self.data_dir, self.port, file, module=supervisor.__name__, **self.settings
            )
        self.product = Product(process, self.port, self.output)
        wait_for(self.is_ready, READY_WITHIN, "the product is ready")

    def is_ready(self) -> bool:
        """Whether it says so. Fails when it has ended."""
        assert self.product.process.poll() is None, self.product.output[-3000:]
        return self.product.is_ready()

    def stop(self) -> None:
        """Ends it, if it was started."""
        if hasattr(self, "product"):
            self.product.process.terminate()
            self.product.process.wait(30)

    @property
    def sandbox(self) -> SandboxClient:
        """The test network's control."""
        return self.network.client

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Status and content of the API's answer. Raises OSError while nobody answers."""
        answer = requests.request(
            method,
            f"{self.product.address}/api{path}",
            json=body,
            headers={"X-API-Key": self.key, **headers},
            timeout=40,
        )
        return answer.status_code, answer.json() if answer.content else {}

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the product's database says, read beside it."""
        return self.database.rows(query, *values)

    def new_instance(self, name: str) -> str:
        """The id of a new instance whose events go to the receiver."""
        body = {"name": name, "webhookUrl": self.receiver.url, "maxRetries": 10}
        status, instance = self.ask("POST", "/instances", {**body, "retryInterval": 1000})
        assert status == 201, instance
        return str(instance["id"])

    def processes(self) -> list[psutil.Process]:
        """Every process of this product, whoever its parent is now."""
        return [one for one in psutil.process_iter() if self._is_ours(one)]

    def orphans(self) -> list[psutil.Process]:
        """Those that no longer hang on the supervisor."""
        root = psutil.Process(self.product.process.pid)
        family = {root.pid, *(child.pid for child in root.children(recursive=True))}
        return [one for one in self.processes() if one.pid not in family]

    def hosts(self) -> dict[int, list[str]]:
        """The instances that each session host holds, by its process id."""
        held: dict[int, list[str]] = {}
        for name, instance_id in self.rows(
            "select hosts.name, leases.instance_id from leases"
            " join hosts on hosts.id = leases.host_id"
        ):
            held.setdefault(int(name.split()[-1]), []).append(instance_id)
        return held

    def connected(self) -> int:
        """How many of the phones have their device online, as the test network sees it."""
        accounts = {account["number"]: account for account in self.sandbox.state()["accounts"]}
        return sum(
            any(device["online"] for device in accounts[line.phone]["devices"])
            for line in self.lines
        )

    def waiting(self) -> int:
        """What the network still keeps for the phones' devices, in stanzas."""
        phones = {line.phone for line in self.lines}
        return sum(
            device["pending"]
            for account in self.sandbox.state()["accounts"]
            if account["number"] in phones
            for device in account["devices"]
        )

    def _is_ours(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            return process.environ().get("DATA_DIR") == str(self.data_dir)
        return False


@contextlib.contextmanager
def running_stage(folder: Path, database: str, phones: int, **settings: str) -> Iterator[Stage]:
    """The product with `phones` linked, all of them connected; everything it keeps is in `folder`,
    what it printed in output.txt there."""
    data_dir = folder / "data"
    data_dir.mkdir()
    with (
        running_receiver() as receiver,
        Sandbox(folder / "network") as network,
        running_database(database, data_dir) as rows,
    ):
        announced = {supervisor.VARIABLE: str(network.folder / "sandbox.json")}
        both = {**SETTINGS, **announced, "DATABASE_URL": rows.url, **settings}
        stage = Stage(network, receiver, rows, data_dir, both, folder / "output.txt")
        try:
            stage.start()
            stage.key = _key_of_a_new_person(stage)
            for number in range(phones):
                stage.lines.append(_linked(stage, number))
            wait_for(lambda: stage.connected() == phones, LINK_WITHIN, "all phones are connected")
            yield stage
        finally:
            stage.stop()


def _key_of_a_new_person(stage: Stage) -> str:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "users", "create", "--email", EMAIL]
    environment = {**os.environ, **stage.settings, "DATA_DIR": str(stage.data_dir)}
    typed = f"{PASSWORD}\n".encode()
    subprocess.run(command, cwd=ROOT, env=environment, input=typed, check=True, timeout=60)
    status, signed_in = stage.ask("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD})
    assert status == 200, signed_in
    return str(signed_in["apiKey"])


def _linked(stage: Stage, number: int) -> Line:
    line = Line(
        stage.new_instance(f"Line {number}"),
        *(f"1555{group}00{number:02}" for group in ("200", "300", "400")),
    )
    for contact in (line.author, line.reader):
        stage.sandbox.add_account(contact, f"Contact {contact[-6:]}")
    place = f"/instances/{line.instance_id}"
    code = wait_for(lambda: stage.ask("GET", f"{place}/qr?wait=30")[1].get("qr"), LINK_WITHIN, "QR")
    stage.sandbox.scan(code, line.phone, f"Phone {number}")
    wait_for(
        lambda: stage.ask("GET", f"{place}/status")[1]["state"] == "connected", LINK_WITHIN, place
    )
    return line
