"""What benchmarks of one process have in common: an application on each database, and a report."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from cryptography.fernet import Fernet
from flask import Flask

from app import create_app, migrating, redis_server, translations
from app.config import Settings
from app.extensions import db
from app.supervisor.process import spawn
from tests.bench.report import machine_and_commit
from tests.postgres import running_postgres
from tests.waiting import wait_for


def on_each_database(report: Path, method: str, measure: Callable[[Flask], Iterable[str]]) -> None:
    """Writes what `measure` says, line by line, of each database that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--report", type=Path, default=report)
    options = parser.parse_args()
    translations.compile_stale()
    load = f"Load average at the beginning: {os.getloadavg()[0]:.1f}."
    lines = [method, machine_and_commit(), "", load, ""]
    for database in options.database or ("sqlite", "postgresql"):
        lines += [f"## {database}", ""]
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as folder,
            running_app(Path(folder), database) as app,
        ):
            for line in measure(app):
                lines.append(line)
                print(line, flush=True)
        lines.append("")
    options.report.write_text("\n".join(lines).rstrip() + "\n")


@contextmanager
def running_app(folder: Path, database: str) -> Iterator[Flask]:
    key = Fernet.generate_key().decode()
    server = running_postgres(None) if database == "postgresql" else nullcontext()
    with server as postgres:
        if postgres is not None:
            postgres.create("bench")
        settings = Settings(
            _env_file=None,
            data_dir=folder,
            secret_key="not a secret",
            encryption_keys=[key],
            database_url=postgres.url_of("bench") if postgres is not None else "",
        )
        redis = spawn(redis_server.spec(settings))
        try:
            wait_for(lambda: redis_server.answers(settings), what="Redis answers")
            migrating.migrate(create_app(settings, web=False))
            app = create_app(settings)
            yield app
            with app.app_context():
                db.engine.dispose()
        finally:
            redis.terminate()
            redis.wait(10)
