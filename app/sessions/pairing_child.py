"""The parent's end of a pairing process: starts it, hears it, ends it."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from app.config import Settings
from app.engine.process import engine_environment
from app.sessions import key_files, network
from app.sessions.network import Route

STORE_VARIABLE = "PAIRING_KEY_STORE"
PROXY_VARIABLE = "PAIRING_PROXY"
ROOT = Path(__file__).resolve().parents[2]


class ChildGone(Exception):
    """The process ended without saying how the attempt went."""


@dataclass(frozen=True, slots=True)
class Said:
    """One thing the process said."""

    event: str
    values: dict[str, Any]


class PairingChild:
    """A pairing process, as a context manager: whatever happens, it is gone afterwards."""

    def __init__(
        self, settings: Settings, key_store: str, phone: str | None, own_proxy: str | None
    ) -> None:
        """Starts the process: it links by a code for `phone`, or by QR code, through the instance's
        own proxy where it has one.

        Raises SandboxStateError, OSError.
        """
        route = network.route_of(settings, own_proxy)
        settings.key_store_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        logs = settings.data_dir / "logs"
        logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = logs / "engine-pairing.log"
        with log.open("ab") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                _command(phone, log, route),
                cwd=ROOT,
                env=os.environ | _environment(settings, key_store, route),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
            )
        assert self._process.stdout is not None  # noqa: S101 - PIPE above
        self._output = self._process.stdout
        self._buffer = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def hear(self, seconds: float) -> Said | None:
        """What the process says next; None when it says nothing for `seconds`. Raises ChildGone."""
        while b"\n" not in self._buffer:
            if not self._selector.select(seconds):
                return None
            data = os.read(self._output.fileno(), 65_536)
            if not data:
                raise ChildGone(f"exit status {self._process.wait()}")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        values = json.loads(line)
        return Said(values.pop("event"), values)

    def __enter__(self) -> PairingChild:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._selector.close()
        self._process.kill()
        self._process.wait()
        self._output.close()


def _command(phone: str | None, log: Path, route: Route) -> list[str]:
    command = [sys.executable, "-m", "app.sessions.pairing_process", "--log", str(log)]
    if phone:
        command += ["--phone", phone]
    if route.typed:
        command += ["--typed-proxy", "any" if route.typed.private_allowed else "public"]
    return command


def _environment(settings: Settings, key_store: str, route: Route) -> dict[str, str]:
    """Store and proxy go this way: they may hold passwords, and everybody can read a command
    line."""
    own = {
        STORE_VARIABLE: key_files.store_of(settings, key_store),
        PROXY_VARIABLE: route.proxy or "",
    }
    return own | engine_environment(settings.sandbox_state if settings.sandbox else None)
