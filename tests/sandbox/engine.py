"""The test's end of an engine process: what it does, and what it has told so far."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.sandbox.testing import Announcement
from tests.waiting import wait_for

Event = dict[str, Any]
_ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 20.0


class EngineError(Exception):
    """The engine refused a command; the text is its own."""


class Engine:
    """A neonize client in a subprocess, on the sandbox of `announcement`."""

    def __init__(self, announcement: Announcement, folder: Path, jid: str = "") -> None:
        self.folder = folder
        self.log_file = folder / "engine.log"
        self._events: list[Event] = []
        self._looked_from = 0
        self._numbers = itertools.count(1)
        command = [sys.executable, "-m", "tests.sandbox.engine_process"]
        self.process = subprocess.Popen(
            [*command, str(folder / "keys.db"), str(self.log_file), jid],
            cwd=_ROOT,
            env={**os.environ, **announcement.environment()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._events.append(json.loads(line))

    def look_from_now(self) -> None:
        """Has nothing be seen of what it has told so far: that was for another test."""
        self._looked_from = len(self._events)

    def events(self, name: str) -> list[Event]:
        """Every event of this name so far, oldest first."""
        return [one for one in self._events[self._looked_from :] if one["event"] == name]

    def wait_for(self, name: str, count: int = 1, seconds: float = _SECONDS) -> Event:
        """Return the `count`th event of this name, waiting for it."""
        self._wait(lambda: len(self.events(name)) >= count, seconds, f"{count} x {name}")
        return self.events(name)[count - 1]

    def do(self, what: str, **arguments: Any) -> Any:
        """Let the engine do something and return its answer; raises EngineError."""
        number = self.start_doing(what, **arguments)
        return self.answer(number)

    def start_doing(self, what: str, **arguments: Any) -> int:
        """Give a command without waiting; returns the number its answer will carry."""
        number = next(self._numbers)
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"n": number, "do": what, **arguments}) + "\n")
        self.process.stdin.flush()
        return number

    def answer(self, number: int, seconds: float = _SECONDS) -> Any:
        """Return the answer to the command `number`; raises EngineError."""
        self._wait(lambda: self.find_answer(number) is not None, seconds, f"answer {number}")
        found = self.find_answer(number) or {}
        if "error" in found:
            raise EngineError(found["error"])
        return found["result"]

    def _wait(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait, but not for an engine that has ended; a failure shows events and log."""
        ended = False
        with contextlib.suppress(AssertionError):
            ended = wait_for(lambda: condition() or self.process.poll() is not None, seconds)
        if not condition():
            told = "\n".join(map(str, self._events))
            state = "ended" if ended else f"did nothing for {seconds} s"
            log = self.log_file.read_text(errors="replace")
            raise AssertionError(f"the engine {state} before {what}:\n{told}\n{log}")

    def find_answer(self, number: int) -> Event | None:
        """Return the answer to the command `number`, None as long as there is none."""
        return next((e for e in self.events("answer") if e["n"] == number), None)

    def messages(self) -> list[Event]:
        """The messages it has received from others, in order."""
        messages = self.events("Message")
        return [m for m in messages if not m["from_me"] and m["category"] != "peer"]

    def texts(self) -> list[str]:
        """Their texts."""
        return [message["text"] for message in self.messages()]

    def kill(self) -> None:
        """End the process as a crash would; fine when it has ended already."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()
