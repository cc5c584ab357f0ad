"""What every test may ask for: settings, the real Redis, the application, the cast."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from cryptography.fernet import Fernet
from flask import Flask
from flask.ctx import AppContext
from flask.testing import FlaskClient
from redis import Redis

from app import create_app, migrating, redis_server, translations
from app.config import Settings
from app.extensions import db
from app.models import User
from app.models.user import ADMINISTRATOR
from app.sandbox.testing import Sandbox
from app.supervisor.process import spawn
from tests import factories, quick_apps
from tests.postgres import TEMPLATE, PostgresServer, is_installed, running_postgres
from tests.waiting import wait_for

ENCRYPTION_KEY = Fernet.generate_key().decode()
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - tmpfs: key stores are slow on a disk


_FIRST = "/live/test_codes_expire.py"
"""It waits for WhatsApp's own times, nearly three minutes."""
_WITH_PROCESSES = (
    "/e2e/",
    "/live/",
    "/supervisor/",
    "/engine/",
    "/sandbox/",
    "/jobs/",
    "/webhooks/",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--database postgresql`: the product of every test works on PostgreSQL."""
    parser.addoption("--database", choices=("sqlite", "postgresql"), default="sqlite")


def pytest_configure(config: pytest.Config) -> None:
    """Makes the tests blind to the developer's own settings, and the heir of every orphan."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    quick_apps.share_compiled()
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


@pytest.hookimpl(trylast=True)  # after the shuffling, which stays within each group
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begins with what takes long, so that in the end no worker is left alone with it.

    These tests run many processes and wait for them in real time, which a machine that is busy or
    slow can make too short: one that failed is tried once more, and the summary names it.
    """
    if config.getoption("--database") == "postgresql":
        items[:] = [one for one in items if one.get_closest_marker("plan_of_sqlite") is None]
    for item in items:
        if _runs_processes(item):
            item.add_marker(pytest.mark.flaky(reruns=1))
    items.sort(key=lambda item: (_FIRST not in item.nodeid, not _runs_processes(item)))


def _runs_processes(item: pytest.Item) -> bool:
    return any(folder in item.nodeid for folder in _WITH_PROCESSES)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where CI is set, a skipped test is a failed run: there everything must be testable."""
    if _skipped_in_ci(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says why a run without failures fails, and what passed at the second try alone."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.write_line(f"TRIED AGAIN {report.nodeid}")
    for report in _skipped_in_ci(terminalreporter.config):
        terminalreporter.write_line(f"skipped although CI is set: {report.nodeid}", red=True)


def _skipped_in_ci(config: pytest.Config) -> list[pytest.TestReport]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return []
    skipped: list[pytest.TestReport] = reporter.stats.get("skipped", [])
    return skipped


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Fails the test that leaves a process behind, and ends the process."""
    this = psutil.Process()
    before = set(this.children(recursive=True))
    yield
    # What a fixture of a wider scope started may start and replace its own meanwhile.
    new = [child for child in _family(this, without=before) if child not in before]
    _, left = psutil.wait_procs(new, timeout=2)  # an orphan that ends by itself is fine
    described = [_describe(process) for process in left]
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=5)
    assert not described, f"left running: {described}"


def _family(process: psutil.Process, without: set[psutil.Process]) -> Iterator[psutil.Process]:
    """The descendants of `process`, without those of the processes `without`."""
    for child in process.children():
        yield child
        if child not in without:
            with contextlib.suppress(psutil.NoSuchProcess):
                yield from _family(child, without)


def _describe(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return f"pid {process.pid}"


def _memory() -> Path | None:
    return _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None


def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="manager-test-", dir=_memory()))


@pytest.fixture(scope="session", autouse=True)
def catalogues() -> None:
    """The Russian words, compiled."""
    translations.compile_stale()


@pytest.fixture(scope="session")
def session_folder() -> Iterator[Path]:
    """A folder of the whole run, in memory where the machine allows."""
    folder = _folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def module_folder() -> Iterator[Path]:
    """An empty folder of one module's tests, in memory where the machine allows."""
    folder = _folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty DATA_DIR of this test alone, in memory where the machine allows."""
    folder = _folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def redis_server_url(session_folder: Path) -> Iterator[str]:
    """A real Redis for the whole run; `settings` gives each test an empty one."""
    settings = Settings(_env_file=None, data_dir=session_folder)
    process = spawn(redis_server.spec(settings))
    try:
        wait_for(lambda: redis_server.answers(settings), what="Redis answers")
        yield settings.redis_location
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def postgres(session_folder: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL server of the whole run, whichever database the product of the tests has."""
    if not is_installed():
        pytest.skip("no PostgreSQL on this machine: install the package postgresql")
    with running_postgres(_memory()) as server:
        server.create(TEMPLATE)
        _migrate(session_folder, server.url_of(TEMPLATE))
        yield server


@pytest.fixture(scope="session", autouse=True)
def chosen_server(request: pytest.FixtureRequest) -> None:
    """The server that `--database` asks for; started before the first test looks at processes."""
    if request.config.getoption("--database") == "postgresql":
        request.getfixturevalue("postgres")


@pytest.fixture
def postgres_database(postgres: PostgresServer) -> Iterator[str]:
    """The name of a migrated, empty database of this test alone."""
    name = postgres.create_migrated()
    yield name
    postgres.drop(name)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """DATABASE_URL: empty on SQLite, else a migrated, empty database."""
    if request.config.getoption("--database") == "sqlite":
        return ""
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.url_of(request.getfixturevalue("postgres_database"))


@pytest.fixture
def settings(data_dir: Path, redis_server_url: str, database_url: str) -> Settings:
    """The product's settings on an empty DATA_DIR and an empty Redis.

    Another value: `settings.model_copy(update={"send_gap_ms": 50})`, before `app` is built.
    """
    with Redis.from_url(redis_server_url) as redis:
        redis.flushall()
    return Settings(
        _env_file=None,
        data_dir=data_dir,
        database_url=database_url,
        redis_url=redis_server_url,
        secret_key="not a secret",
        encryption_keys=[ENCRYPTION_KEY],
    )


@pytest.fixture(scope="session")
def migrated_file(session_folder: Path) -> Path:
    """An empty SQLite database as the migrations make it; tests work on copies."""
    _migrate(session_folder)
    return session_folder / "manager.db"


def _migrate(folder: Path, database_url: str = "") -> None:
    settings = Settings(
        _env_file=None,
        data_dir=folder,
        database_url=database_url,
        encryption_keys=[ENCRYPTION_KEY],
    )
    app = create_app(settings, web=False)
    migrating.migrate(app)
    with app.app_context():
        db.engine.dispose()  # a database that somebody is connected to cannot be copied


@pytest.fixture
def database(request: pytest.FixtureRequest, settings: Settings) -> None:
    """The product's database, migrated and empty, at the place `settings` names."""
    if not settings.database_url:
        shutil.copy(request.getfixturevalue("migrated_file"), settings.data_dir)


@pytest.fixture
def empty_database(request: pytest.FixtureRequest, settings: Settings) -> None:
    """A database without tables at the place `settings` names; a SQLite file is made on demand."""
    if settings.database_url:
        server: PostgresServer = request.getfixturevalue("postgres")
        name = request.getfixturevalue("postgres_database")
        server.drop(name)
        server.create(name)


@pytest.fixture
def sandbox(data_dir: Path) -> Iterator[Sandbox]:
    """A WhatsApp test network of this test alone."""
    with Sandbox(data_dir / "sandbox") as sandbox:
        yield sandbox


@pytest.fixture
def app(settings: Settings, database: None) -> Iterator[Flask]:
    """The application on its own database. No context is pushed: see `app_context`."""
    app = create_app(settings)
    app.config["TESTING"] = True
    yield app
    with app.app_context():
        db.engine.dispose()
    app.extensions["redis"].close()


@pytest.fixture
def app_context(app: Flask) -> Iterator[AppContext]:
    """An application context for tests of services; tests of HTTP take `client` instead."""
    with app.app_context() as context:
        yield context


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser, or a program, that is not signed in."""
    return app.test_client()


@pytest.fixture
def alice(app: Flask) -> User:
    """The administrator."""
    with app.app_context():
        return factories.user(email="alice@example.com", name="Alice", role=ADMINISTRATOR)


@pytest.fixture
def bob(app: Flask) -> User:
    """A user with instances."""
    with app.app_context():
        return factories.user(email="bob@example.com", name="Bob")


@pytest.fixture
def charlie(app: Flask) -> User:
    """A user who must see nothing of anybody else's."""
    with app.app_context():
        return factories.user(email="charlie@example.com", name="Charlie")
