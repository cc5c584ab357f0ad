"""Puts the sandbox together: keys, storage, network, proxy, control; announces it and runs it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.sandbox import blows, demo_past, demo_world
from app.sandbox.control.server import ControlServer
from app.sandbox.network import Network
from app.sandbox.ports import HOST, Ports
from app.sandbox.proxy import Proxy
from app.sandbox.signal.curve import KeyPair
from app.sandbox.storage import Storage
from app.sandbox.wire import tls

ANNOUNCEMENT = "sandbox.json"
_FLUSH_AFTER = 0.2
_SECONDS_TO_END = 1.0


class PortTaken(Exception):
    """A port that was asked for is in use; the text names it."""


async def run(folder: Path, port: int, control_port: int, *, lived_in: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; raises PortTaken. Everything is kept in `folder`. With
    `lived_in` the demo's phone has a past."""
    folder.mkdir(parents=True, exist_ok=True)
    ca_file, server_file = tls.ensure_certificates(folder, datetime.now(UTC))
    root = _noise_root(folder / "noise_root.key")
    flusher = _Flusher()
    storage = Storage(folder / "world.sqlite", flusher.soon)
    flusher.flush = storage.flush
    network = Network(storage)
    demo_world.settle(network)
    if lived_in:
        demo_past.move_in(network)
    if (folder / ANNOUNCEMENT).exists():
        # It was killed, and may have forgotten its last moment: a phone that went on in its old
        # sessions could use a key twice, which the other side takes for a copy and drops.
        blows.forget_sessions(network, None)
    proxy = Proxy(network, tls.server_context(server_file), root)
    stop = _stop_event()
    ports = Ports(folder / "ports.json")
    listener = await _listen(_holding(proxy.serve), port or ports.free("proxy"))
    with _control(network, control_port or ports.free("control")) as control:
        proxy_port = listener.sockets[0].getsockname()[1]
        ports.keep(proxy=proxy_port, control=control.port)
        facts = {
            "pid": os.getpid(),
            "proxy_url": f"http://{HOST}:{proxy_port}",
            "control_url": f"http://{HOST}:{control.port}",
            "ca_file": str(ca_file.resolve()),
            "noise_root": root.public.hex(),
        }
        _announce(folder / ANNOUNCEMENT, facts)
        await stop.wait()
        (folder / ANNOUNCEMENT).unlink(missing_ok=True)
        await _end(network, listener)
    storage.close()


class _Flusher:
    """Writes what changed a moment after the first change."""

    def __init__(self) -> None:
        self.flush: Callable[[], None] = lambda: None
        self._due: asyncio.TimerHandle | None = None

    def soon(self) -> None:
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(_FLUSH_AFTER, self._now)

    def _now(self) -> None:
        self._due = None
        self.flush()


def _noise_root(file: Path) -> KeyPair:
    if file.exists():
        return KeyPair.from_private(bytes.fromhex(file.read_text()))
    pair = KeyPair.generate()
    file.touch(mode=0o600)
    file.write_text(pair.private.hex())
    return pair


def _stop_event() -> asyncio.Event:
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, event.set)
    return event


def _holding(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
    """Return a connection callback that keeps its tasks alive.

    asyncio holds them only through the stream's protocol, which the switch to TLS replaces: a task
    nobody holds is collected in mid-connection.
    """
    tasks: set[asyncio.Task[None]] = set()

    def start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    return start


async def _listen(serve: Callable[..., Any], port: int) -> asyncio.Server:
    try:
        return await asyncio.start_server(serve, HOST, port)
    except OSError as error:
        raise PortTaken(f"--port {port} cannot be used: {error.strerror}") from error


@contextlib.contextmanager
def _control(network: Network, port: int) -> Any:
    try:
        control = ControlServer(network, asyncio.get_running_loop(), HOST, port)
    except OSError as error:
        raise PortTaken(f"--control-port {port} cannot be used: {error.strerror}") from error
    control.start()
    try:
        yield control
    finally:
        control.stop()


def _announce(file: Path, facts: dict[str, Any]) -> None:
    """Write the facts so that a reader sees all of them or no file at all."""
    draft = file.with_suffix(".tmp")
    draft.write_text(json.dumps(facts, indent=2) + "\n")
    draft.replace(file)


async def _end(network: Network, listener: asyncio.Server) -> None:
    listener.close()
    for connection in list(network.open_connections):
        connection.drop()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SECONDS_TO_END):
            while network.open_connections:
                await asyncio.sleep(0.01)
