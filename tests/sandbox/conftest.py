"""A sandbox per test, and engines on it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.sandbox.testing import Sandbox
from tests.sandbox.engine import Engine


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A network of its own for one test."""
    with Sandbox() as running:
        yield running
        sys.stderr.write(running.log_file.read_text())  # shown when the test fails


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
