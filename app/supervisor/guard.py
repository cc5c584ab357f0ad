"""What is checked before anything starts; every refusal is one line that says what to do."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.config import Settings


class StartRefused(Exception):
    """The product cannot start; the text is one line that says what to do."""


@contextmanager
def sole_owner(data_dir: Path) -> Iterator[None]:
    """Holds DATA_DIR for this process. Raises StartRefused when another one has it."""
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
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)  # the lock goes with it; the file stays, or two could hold "the" lock


def check_port(settings: Settings) -> None:
    """Nothing. Raises StartRefused when the web server could not listen on HOST and PORT."""
    host, port = settings.host, settings.port
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
