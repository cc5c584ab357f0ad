"""The product's own processes on a sandbox network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.config import Settings
from app.core.states import InstanceState
from app.extensions import db
from app.models import Chat, Instance, Lease, Message, Pairing, User
from app.sandbox.testing import Sandbox
from app.services import messaging, pairings
from app.services import sessions as wishes
from app.supervisor.roles import ROLES
from app.transaction import again_when_beaten, transaction
from tests import factories, forked_roles
from tests.forked_roles import ForkedRole
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 60.0
"""Seconds for what takes two on a quiet machine."""
Running = subprocess.Popen[bytes] | ForkedRole
OWN_NUMBER = "15550001000"
PEER_NUMBER = "15550002000"
_SECONDS_TO_END = 30.0
_PASSED_ON = (
    "data_dir",
    "database_url",
    "redis_url",
    "secret_key",
    "send_gap_ms",
    "log_level",
    "session_check_seconds",
    "media_s3_url",
    "media_s3_access_key",
    "media_s3_secret_key",
)


@pytest.fixture(scope="session", autouse=True)
def server_of_forks() -> None:
    """What the roles without the engine are forks of."""
    forked_roles.start_server()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings of a product on the sandbox network, at a brisk pace."""
    return settings.model_copy(update={"sandbox": True, "send_gap_ms": 50})


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[Sandbox]:
    """A network with a silent contact; not started."""
    network = Sandbox(settings.sandbox_dir)
    network.start()
    network.client.add_account(PEER_NUMBER, "Peer")
    yield network
    network.stop()


def _ended(process: Running) -> bool:
    """Whether the process ends by itself; it has ended afterwards."""
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False
    return True


class Product:
    """The worker processes of one product, and short ways to act as its owner and to look."""

    def __init__(self, app: Flask, settings: Settings, sandbox: Sandbox, owner: User) -> None:
        self.app = app
        self.settings = settings
        self.sandbox = sandbox
        self.owner = owner
        self.processes: dict[str, Running] = {}
        self.log_start = 0

    def start(self, *roles: str) -> None:
        """Starts one process of each role; "pairing-2" is another one of pairing."""
        for role in roles:
            self.processes[role] = self._started(role.partition("-")[0], f"{role}.log")

    def _started(self, role: str, log: str) -> Running:
        environment = os.environ | self.environment()
        path = self.settings.data_dir / log
        if not ROLES[role].engine:
            return ForkedRole(role, environment, path)
        with path.open("ab") as file:
            return subprocess.Popen(
                [sys.executable, "worker.py", role],
                cwd=ROOT,
                env=environment,
                stdout=file,
                stderr=file,
            )

    def kill(self, role: str) -> None:
        """Kills a process as a crash would."""
        process = self.processes.pop(role)
        process.kill()
        process.wait()

    def stop(self, role: str) -> int:
        """Ends a process with SIGTERM; its exit status."""
        process = self.processes.pop(role)
        process.send_signal(signal.SIGTERM)
        return process.wait(_SECONDS_TO_END)

    def stop_all(self) -> None:
        """Ends what still runs."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        late = [role for role, process in self.processes.items() if not _ended(process)]
        self.processes.clear()
        assert not late, f"did not end on SIGTERM: {late}"

    def running(self, module: str) -> list[psutil.Process]:
        """The processes below ours that run `module`."""
        found = []
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if module in process.cmdline():
                    found.append(process)
        return found

    def log(self, role: str) -> str:
        """What a role's process has said."""
        return (self.settings.data_dir / f"{role}.log").read_text()

    def new_instance(self) -> str:
        """An instance of the owner, never linked; its id."""
        with self.app.app_context():
            return factories.instance(self.owner).id

    def act(self, verb: Callable[..., Any], instance_id: str, **values: Any) -> Any:
        """Calls a service's verb on the instance, in a transaction, as a view would."""

        @again_when_beaten
        def once() -> Any:
            with transaction() as session:
                answer = verb(session.get_one(Instance, instance_id), **values)
                session.flush()
                return getattr(answer, "id", answer)

        with self.app.app_context():
            return once()

    def instance(self, instance_id: str) -> Instance:
        """The instance as it is now."""
        with self.app.app_context():
            found = db.session.get_one(Instance, instance_id)
            db.session.expunge_all()
            return found

    def pairing(self, instance_id: str) -> Pairing:
        """The newest attempt to link the instance."""
        with self.app.app_context():
            query = select(Pairing).where(Pairing.instance_id == instance_id)
            found = db.session.scalars(query.order_by(Pairing.id.desc())).first()
            assert found is not None
            db.session.expunge_all()
            return found

    def code(self, instance_id: str) -> str:
        """The code of a new attempt, once it is shown."""
        self.act(wishes.reconnect, instance_id)

        def shown() -> str | None:
            attempt = self.pairing(instance_id)
            assert attempt.ended_at is None, f"the attempt ended: {attempt.reason}"
            return attempt.code

        code = wait_for(shown, PATIENCE, "a code is shown")
        assert code is not None
        return code

    def lose_worker(self, instance_id: str) -> None:
        """Lets the attempt look as if its worker had said nothing for long."""
        with self.app.app_context(), transaction() as session:
            row = session.get_one(Pairing, self.pairing(instance_id).id)
            row.beat_at = utcnow() - pairings.SILENT - timedelta(seconds=1)

    def link(self, instance_id: str, number: str = OWN_NUMBER) -> None:
        """Links a phone and waits for the session."""
        code = self.code(instance_id)
        self.sandbox.client.scan(code, number, "Owner")
        self.wait_state(instance_id, InstanceState.CONNECTED)

    def wait_state(
        self,
        instance_id: str,
        state: InstanceState,
        reason: str | None = None,
        within: float = PATIENCE,
    ) -> None:
        """Waits until the instance is in `state`, for `reason`."""

        def reached() -> bool:
            now = self.instance(instance_id)
            return now.state == state and now.reason == reason

        wait_for(reached, within, f"{state} {reason}")

    def queue(self, instance_id: str, text: str, to: str = PEER_NUMBER) -> str:
        """Queues a text; the message's id."""
        values = {"to": to, "text": text, "source": "ui", "country": "RU"}
        return str(self.act(messaging.queue_text, instance_id, **values))

    def epoch(self, instance_id: str) -> int:
        """How often the session's lease was given to a host."""
        with self.app.app_context():
            return db.session.get_one(Lease, instance_id).epoch

    def messages(self, instance_id: str) -> list[Message]:
        """All messages of the instance, oldest first."""
        with self.app.app_context():
            query = select(Message).where(Message.instance_id == instance_id).order_by(Message.id)
            found = list(db.session.scalars(query))
            db.session.expunge_all()
            return found

    def message(self, message_id: str) -> Message:
        """The message as it is now."""
        with self.app.app_context():
            found = db.session.get_one(Message, message_id)
            db.session.expunge_all()
            return found

    def chats(self, instance_id: str) -> list[Chat]:
        """All chats of the instance."""
        with self.app.app_context():
            found = list(db.session.scalars(select(Chat).where(Chat.instance_id == instance_id)))
            db.session.expunge_all()
            return found

    def received(self, number: str = PEER_NUMBER) -> list[dict[str, Any]]:
        """What the phone of `number` received and could read since the test began, by the network's
        own journal."""
        return [
            entry
            for entry in self.sandbox.client.log(self.log_start)
            if entry["kind"] == "message"
            and entry["direction"] == "received"
            and entry["account"] == number
        ]

    def environment(self) -> dict[str, str]:
        """What the processes find in theirs."""
        values = {name.upper(): str(getattr(self.settings, name)) for name in _PASSED_ON}
        return values | {"SANDBOX": "1", "ENCRYPTION_KEYS": self.settings.encryption_keys[0]}


@pytest.fixture
def product(app: Flask, settings: Settings, sandbox: Sandbox, bob: User) -> Iterator[Product]:
    """A product whose processes end with the test; start those that are needed."""
    running = Product(app, settings, sandbox, bob)
    yield running
    running.stop_all()


@pytest.fixture
def linked(product: Product) -> tuple[Product, str]:
    """A product with one connected instance."""
    product.start("sessions", "pairing", "clock")
    instance_id = product.new_instance()
    product.link(instance_id)
    return product, instance_id
