"""A sandbox, a phone that pairs, and engine processes on it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.sandbox.testing import Sandbox
from tests.engine.driver import EngineProcess
from tests.waiting import wait_for

OWN_NUMBER = "15550001000"
PEER_NUMBER = "15550002000"
PEER = f"{PEER_NUMBER}@s.whatsapp.net"

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - tmpfs: key stores are slow on a disk


def messages_at(sandbox: Sandbox, number: str = PEER_NUMBER) -> list[dict[str, Any]]:
    """What the phone of `number` received and could read, by the sandbox's journal."""
    entries = sandbox.client.log()
    return [e for e in entries if _is_message(e) and e["account"] == number]


def _is_message(entry: dict[str, Any]) -> bool:
    return bool(entry["kind"] == "message" and entry["direction"] == "received")


@dataclass
class Link:
    """A linked account: where its keys are and what it is called."""

    jid: str
    lid: str
    phone: str
    store: Path
    proxy: str

    @property
    def opening(self) -> dict[str, Any]:
        """The arguments to open it."""
        return {"jid": self.jid, "store": str(self.store), "proxy": self.proxy}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one."""
    parent = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
    made = Path(tempfile.mkdtemp(prefix="engine-", dir=parent))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def sandbox(folder: Path) -> Iterator[Sandbox]:
    """A network of its own, with a silent contact."""
    with Sandbox(folder / "sandbox") as running:
        running.client.add_account(PEER_NUMBER, "Peer")
        yield running


@pytest.fixture
def start_process(sandbox: Sandbox, folder: Path) -> Iterator[Callable[[], EngineProcess]]:
    """Starts processes with the engine."""
    started: list[EngineProcess] = []

    def start() -> EngineProcess:
        started.append(EngineProcess(folder, sandbox.folder / "sandbox.json"))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def link(
    sandbox: Sandbox, folder: Path, start_process: Callable[[], EngineProcess]
) -> Callable[..., Link]:
    """Pairs an account in a process that leaves at once, as the product does."""

    def make(number: str = OWN_NUMBER, name: str = "Owner") -> Link:
        process = start_process()
        store, proxy = folder / f"keys #{number}?%20.db", sandbox.announcement.proxy_url
        number_of_answer = process.start_doing("pair", store=str(store), proxy=proxy)
        sandbox.client.scan(process.wait_line("qr")["text"], number, name)
        paired = process.answer(number_of_answer)
        wait_for(lambda: not process.is_running(), what="the pairing process has left")
        return Link(paired["jid"], paired["lid"], paired["phone"], store, proxy)

    return make


@pytest.fixture
def session(
    start_process: Callable[[], EngineProcess], link: Callable[..., Link]
) -> tuple[EngineProcess, Link]:
    """A process with one connected session."""
    linked, process = link(), start_process()
    process.do("open", **linked.opening)
    process.do("start", jid=linked.jid)
    process.wait_line("raw")
    return process, linked
