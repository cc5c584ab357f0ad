"""Load: contacts write to the phones and the API sends to contacts, at a steady pace."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

import requests

from app.sandbox.client import SandboxError
from tests.chaos.stage import Stage

_runs = itertools.count(1)
_TRY_AGAIN = 0.2  # seconds
_GIVE_UP = 60.0  # seconds until a request that nobody takes is a failure of the run


class Burst:
    """`incoming` and `outgoing` messages over all lines, each kind at `pace` a second at most.

    Texts are told apart by `name`. `taken` are the API's ids of what it accepted, by text.
    """

    def __init__(self, stage: Stage, incoming: int, outgoing: int, pace: float):
        self.name = f"burst{next(_runs)}"
        self.incoming, self.outgoing, self.pace = incoming, outgoing, pace
        self.taken: dict[str, str] = {}
        self.sent = 0
        self.failures: list[str] = []
        self.seconds = 0.0
        self._stage = stage
        self._log_start = len(stage.sandbox.log())
        self._threads = [
            threading.Thread(target=self._pour, args=(self._receive, incoming), daemon=True),
            threading.Thread(target=self._pour, args=(self._send, outgoing), daemon=True),
        ]

    @property
    def log_start(self) -> int:
        """The number of the network's last log entry before this."""
        return self._log_start

    def start(self) -> Burst:
        """Begins, in two threads."""
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def progress(self) -> float:
        """The part that is done, 0 to 1."""
        return (self.sent + len(self.taken)) / max(1, self.incoming + self.outgoing)

    def join(self) -> None:
        """Waits for the end of it."""
        for thread in self._threads:
            thread.join()
        self.seconds = time.monotonic() - self._began

    def _pour(self, act: Callable[[int], None], count: int) -> None:
        began = time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, began + number / self.pace - time.monotonic()))
            try:
                act(number)
            except (SandboxError, OSError, AssertionError) as error:
                self.failures.append(f"{act.__name__} {number}: {error}")

    def _receive(self, number: int) -> None:
        line = self._stage.lines[number % len(self._stage.lines)]
        self._stage.sandbox.send(line.author, line.phone, f"{self.name} in {number}")
        self.sent += 1

    def _send(self, number: int) -> None:
        """As a careful program does it: with an idempotency key, again until it is taken."""
        line = self._stage.lines[number % len(self._stage.lines)]
        text = f"{self.name} out {number}"
        path = f"/instances/{line.instance_id}/send"
        headers = {"Idempotency-Key": text.replace(" ", "-")}
        deadline = time.monotonic() + _GIVE_UP
        while True:
            try:
                body = {"to": f"+{line.reader}", "text": text}
                status, answer = self._stage.ask("POST", path, body, **headers)
            except (requests.RequestException, ValueError):
                status, answer = 0, {}
            if status in {200, 202}:
                self.taken[text] = answer["message"]["id"]
                return
            assert time.monotonic() < deadline, f"not taken: {status} {answer}"
            time.sleep(_TRY_AGAIN)
