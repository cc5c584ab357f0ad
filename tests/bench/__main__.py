"""`python -m tests.bench`: measures cold starts, writes the report; exit 1: too slow."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.fleet import Place, link
from tests.bench.measures import Start, cold_start
from tests.bench.report import REPORT, Series, write
from tests.postgres import running_postgres

_SERVER = {"listen_addresses": "", "max_connections": "140"}
"""What docs/configuration.md says 50 sessions need; all else as the server is installed."""
_QUIET = 0.5  # processes that run or wait, on the average of a minute
_LOOK_EVERY = 5.0  # seconds


def main() -> int:
    """Measures, prints and reports; returns the exit status."""
    options = _options()
    series = []
    for database in options.database:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as folder:
            Path(folder).chmod(0o755)  # PostgreSQL's own user has to find its folder
            series.append(_measure(database, Path(folder), options))
    if options.report:
        write(options.report, series, where=str(options.folder or tempfile.gettempdir()))
    return 0 if all(one.in_time for one in series) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--runs", type=int, default=3)
    choices = ("sqlite", "postgresql")
    parser.add_argument("--database", nargs="+", choices=choices, default=list(choices))
    parser.add_argument("--folder", type=Path, help="data goes under it")
    parser.add_argument("--patience", type=float, default=300.0, help="seconds for a quiet moment")
    parser.add_argument("--report", type=Path, default=REPORT)
    return parser.parse_args()


def _measure(database: str, folder: Path, options: argparse.Namespace) -> Series:
    with _database_url(database, folder) as url:
        empty = Place(folder / "empty", url)
        empty.data_dir.mkdir()
        idle = _start(empty, 0, options.patience)
        full = Place(folder / "full", url)
        full.data_dir.mkdir()
        shutil.rmtree(empty.data_dir)
        link(full, options.sessions)
        starts = [_start(full, options.sessions, options.patience) for _ in range(options.runs)]
    return Series(database, options.sessions, idle, starts)


def _start(place: Place, phones: int, patience: float) -> Start:
    """A cold start, once the machine has nothing else to do, or after that much patience."""
    give_up = time.monotonic() + patience
    while os.getloadavg()[0] > _QUIET and time.monotonic() < give_up:
        time.sleep(_LOOK_EVERY)
    found = cold_start(place, phones)
    print(f"ready {found.ready:.1f} s, hosts {found.hosts_up:.1f} s, all {found.last_login:.1f} s")
    return found


@contextmanager
def _database_url(database: str, folder: Path) -> Iterator[str]:
    if database == "sqlite":
        yield ""
        return
    with running_postgres(folder, _SERVER) as server:
        server.create("manager")
        yield server.url_of("manager")


if __name__ == "__main__":
    sys.exit(main())
