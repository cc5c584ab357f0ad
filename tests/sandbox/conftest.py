"""A sandbox per test, and engines on it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.sandbox.testing import Sandbox
from tests.sandbox.acts import link
from tests.sandbox.engine import Engine

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - tmpfs: key stores are slow on a disk


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A network of its own for one test."""
    with Sandbox() as running:
        yield running
        sys.stderr.write(running.log_file.read_text())  # shown when the test fails


@pytest.fixture(scope="module")
def calm() -> Iterator[Sandbox]:
    """One network for the tests of a file that change nothing on it."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def start_engine(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """Starts engines; the same `name` again finds the keys it had before."""
    started: list[Engine] = []

    def start(name: str = "engine", jid: str = "") -> Engine:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        engine = Engine(sandbox.announcement, folder, jid)
        started.append(engine)
        return engine

    yield start
    for engine in started:
        engine.kill()


@pytest.fixture(scope="session")
def network() -> Iterator[Sandbox]:
    """One network for all tests that only talk on it."""
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def linked(network: Sandbox) -> Iterator[Engine]:
    """One engine on it, that ALICE's phone has linked."""
    parent = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="engine-", dir=parent) as folder:
        engine = Engine(network.announcement, Path(folder))
        try:
            yield link(network, lambda _: engine)
        finally:
            engine.kill()


@pytest.fixture
def engine(network: Sandbox, linked: Engine) -> Iterator[Engine]:
    """The same, as if it had told nothing yet; afterwards everything works again, and nothing was
    left unanswered."""
    linked.look_from_now()
    yield linked
    network.client.reset_faults()
    assert network.client.state()["unhandled"] == []
