"""The test's end of an engine process."""

from __future__ import annotations

import base64
import itertools
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from app.engine.events import Event
from app.engine.process import engine_environment
from app.engine.raw import RawEvent
from app.engine.translate import translate
from tests.waiting import wait_for

_ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 20.0


class Refused(Exception):
    """The engine raised: its slug, and what that means for a message."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(answer.get("detail", ""))
        self.slug = answer["error"]
        self.permanent = answer.get("permanent")
        self.may_have_left = answer.get("may_have_left")


class EngineProcess:
    """A process with our engine; commands are methods of engine_process.py, by name."""

    def __init__(self, folder: Path, sandbox_state: Path) -> None:
        self.log_file = folder / "engine.log"
        self._lines: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.engine_process", str(self.log_file)],
            cwd=_ROOT,
            env={**os.environ, **engine_environment(sandbox_state)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait_line("ready")

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.append(json.loads(line))

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Everything of this name that the process has told so far."""
        return [line for line in list(self._lines) if line["event"] == event]

    def wait_line(self, event: str, count: int = 1, seconds: float = _SECONDS) -> dict[str, Any]:
        """Waits for the `count`th line of this name."""
        wait_for(lambda: len(self.lines(event)) >= count, seconds, f"{count} x {event}")
        return self.lines(event)[count - 1]

    def raw_events(self, kind: str = "") -> list[RawEvent]:
        """The events so far, as they crossed from the engine."""
        decoded = [RawEvent.decode(base64.b64decode(line["encoded"])) for line in self.lines("raw")]
        return [raw for raw in decoded if not kind or raw.kind == kind]

    def events(self, kind: type[Event]) -> list[Any]:
        """The translated events of this type so far."""
        return [e for raw in self.raw_events() for e in translate(raw) if isinstance(e, kind)]

    def wait_event(self, kind: type[Event], count: int = 1, seconds: float = _SECONDS) -> Any:
        """Waits for the `count`th event of this type."""
        wait_for(lambda: len(self.events(kind)) >= count, seconds, f"{count} x {kind.__name__}")
        return self.events(kind)[count - 1]

    def start_doing(self, what: str, **arguments: Any) -> int:
        """Gives a command; returns the number of its answer."""
        number = next(self._numbers)
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"n": number, "do": what, **arguments}) + "\n")
        self._process.stdin.flush()
        return number

    def answer(self, number: int, seconds: float = _SECONDS) -> Any:
        """Waits for an answer. Raises Refused."""
        found = wait_for(lambda: self._find(number), seconds, f"answer {number}")
        if "error" in found:
            raise Refused(found)
        return found["result"]

    def _find(self, number: int) -> dict[str, Any] | None:
        return next((line for line in self.lines("answer") if line["n"] == number), None)

    def do(self, what: str, seconds: float = _SECONDS, **arguments: Any) -> Any:
        """Gives a command and waits for its answer. Raises Refused."""
        return self.answer(self.start_doing(what, **arguments), seconds)

    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    def kill(self) -> None:
        """Ends the process as a crash would."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream:
                stream.close()
