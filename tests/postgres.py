"""A PostgreSQL server of the tests' own: private, in memory where there is some, never kept."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import psycopg.sql

from tests.waiting import wait_for

_PACKAGED = Path("/usr/lib/postgresql")  # Debian keeps initdb and postgres off PATH
_UNPRIVILEGED = "postgres"
TEMPLATE = "migrated"
_QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "listen_addresses": "",
}
"""Nothing here outlives the run, so nothing has to survive a power cut. Connections are as many as
in a server that nobody has set up."""


class PostgresServer:
    """A running server; a test gets a database of its own, copied from the migrated one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    def url_of(self, database: str, **options: str) -> str:
        """The URL of `database` as DATABASE_URL has it."""
        more = "".join(f"&{name}={value}" for name, value in options.items())
        return f"postgresql://{_UNPRIVILEGED}@/{database}?host={self._folder}{more}"

    def create(self, database: str) -> None:
        """Makes an empty database."""
        self._execute("CREATE DATABASE {}", database)

    def create_migrated(self) -> str:
        """Makes a copy of TEMPLATE, which nobody may be connected to; its name."""
        name = f"test_{next(self._numbers)}"
        self._execute("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, TEMPLATE)
        return name

    def drop(self, database: str) -> None:
        """Removes a database, whoever is still connected to it."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", database)

    def answers(self) -> bool:
        """Whether the server takes connections."""
        try:
            psycopg.connect(self.url_of("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            identifiers = [psycopg.sql.Identifier(name) for name in names]
            connection.execute(psycopg.sql.SQL(statement).format(*identifiers))


@contextmanager
def running_postgres(
    memory: Path | None, options: Mapping[str, str] = _QUICK
) -> Iterator[PostgresServer]:
    """A server in a folder below `memory`, gone afterwards."""
    binaries = _binaries()
    assert binaries is not None
    folder = Path(tempfile.mkdtemp(prefix="manager-postgres-", dir=memory))
    owner = _owner()
    if owner:
        shutil.chown(folder, owner["user"], owner["group"])
    try:
        _make_cluster(binaries, folder, owner)
        with _process(binaries, folder, owner, options):
            server = PostgresServer(folder)
            wait_for(server.answers, 30, "PostgreSQL answers")
            yield server
    finally:
        shutil.rmtree(folder)


def is_installed() -> bool:
    """Whether this machine has a PostgreSQL server."""
    return _binaries() is not None


def _binaries() -> Path | None:
    """The folder of the newest server's programs."""
    on_path = shutil.which("initdb")
    packaged = sorted(_PACKAGED.glob("*/bin"), key=lambda path: int(path.parent.name))
    return Path(on_path).resolve().parent if on_path else next(reversed(packaged), None)


def _owner() -> dict[str, Any]:
    """Whom the server runs as: PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    entry = pwd.getpwnam(_UNPRIVILEGED)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _make_cluster(binaries: Path, folder: Path, owner: dict[str, Any]) -> None:
    command = [str(binaries / "initdb"), "--pgdata", str(folder / "data"), "--no-sync"]
    command += ["--auth", "trust", "--username", _UNPRIVILEGED]
    command += ["--encoding", "UTF8", "--locale", "C"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **owner)


@contextmanager
def _process(
    binaries: Path, folder: Path, owner: dict[str, Any], options: Mapping[str, str]
) -> Iterator[None]:
    options = {**options, "unix_socket_directories": str(folder)}
    command = [str(binaries / "postgres"), "-D", str(folder / "data")]
    command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with (
        (folder / "postgres.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **owner) as process,
    ):
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)  # PostgreSQL's "fast" shutdown
            process.wait(30)
