"""What is checked before anything starts; every refusal is one line that says what to do."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.config import Settings

_LOOK_AGAIN = 0.2  # seconds


class StartRefused(Exception):
    """The product cannot start; the text is one line that says what to do."""


@contextmanager
def sole_owner(data_dir: Path) -> Iterator[bool]:
    """Holds DATA_DIR for this process, and tells whether the one before was killed: then its
    processes may still be ending. Raises StartRefused when another one has it."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StartRefused(f"DATA_DIR: {data_dir} cannot be used: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 20).decode() or "unknown"
            raise StartRefused(
                f"DATA_DIR: the product already runs on {data_dir} (process {owner})."
            ) from None
        was_killed = os.fstat(descriptor).st_size > 0
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        try:
            yield was_killed
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)  # the lock goes with it; the file stays, or two could hold "the" lock


def check_port(settings: Settings, *, patience: float = 0.0) -> None:
    """Nothing. Raises StartRefused when the web server could not listen on HOST and PORT, nor
    `patience` seconds later."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            return _try_port(settings.host, settings.port)
        except StartRefused:
            time.sleep(_LOOK_AGAIN)
    _try_port(settings.host, settings.port)


def _try_port(host: str, port: int) -> None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror:
        raise StartRefused(f"HOST: there is no address {host}.") from None
    except OSError as error:
        raise StartRefused(_in_words(error, host, port)) from None


def _in_words(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"PORT: {port} is in use on {host}; take another one, such as PORT={port + 1}."
    if error.errno == errno.EACCES:
        return f"PORT: {port} needs root; take one above 1023."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"HOST: {host} is not an address of this machine."
    return f"HOST, PORT: cannot listen on {host}:{port}: {error.strerror}."
