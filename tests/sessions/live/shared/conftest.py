"""One running product for all tests of a module: starting it takes longer than most of them.

Each test finds the roles running, no fault in force, no instance and no linked device.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import delete, select

from app import create_app
from app.config import Settings
from app.core.states import InstanceState
from app.extensions import db
from app.models import Instance, Lease, User
from app.sandbox.testing import Sandbox
from app.transaction import again_when_beaten, transaction
from tests import factories
from tests.conftest import ENCRYPTION_KEY
from tests.postgres import PostgresServer
from tests.sessions.live.conftest import PEER_NUMBER, Product
from tests.waiting import wait_for

ROLES = ("sessions", "pairing", "clock")
_LEAVES_WITHIN = 10.0  # seconds


@pytest.fixture(scope="module", autouse=True)
def no_process_is_left() -> Iterator[None]:
    """In place of the check after each test: a test may start the roles it ended again."""
    before = set(psutil.Process().children(recursive=True))
    yield
    new = [one for one in psutil.Process().children(recursive=True) if one not in before]
    _, left = psutil.wait_procs(new, timeout=5)
    assert not left


@pytest.fixture(scope="module")
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """DATABASE_URL of the module: empty on SQLite, else a migrated, empty database."""
    if request.config.getoption("--database") == "sqlite":
        yield ""
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create_migrated()
    yield server.url_of(name)
    server.drop(name)


@pytest.fixture(scope="module")
def more_settings() -> dict[str, object]:
    """What a module wants otherwise."""
    return {}


@pytest.fixture(scope="module")
def settings(
    module_folder: Path,
    redis_server_url: str,
    database_url: str,
    more_settings: dict[str, object],
) -> Settings:
    """Settings of a product on the sandbox network, at a brisk pace."""
    with Redis.from_url(redis_server_url) as redis:
        redis.flushall()
    settings = Settings(
        _env_file=None,
        data_dir=module_folder,
        database_url=database_url,
        redis_url=redis_server_url,
        secret_key="not a secret",
        encryption_keys=[ENCRYPTION_KEY],
        sandbox=True,
        send_gap_ms=50,
    )
    return settings.model_copy(update=more_settings)


@pytest.fixture(scope="module")
def app(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Flask]:
    """The application on the module's database."""
    if not settings.database_url:
        shutil.copy(request.getfixturevalue("migrated_file"), settings.data_dir)
    app = create_app(settings)
    yield app
    with app.app_context():
        db.engine.dispose()
    app.extensions["redis"].close()


@pytest.fixture(scope="module")
def bob(app: Flask) -> User:
    """The owner of all instances."""
    with app.app_context():
        return factories.user(email="bob@example.com", name="Bob")


@pytest.fixture(scope="module")
def running(app: Flask, settings: Settings, bob: User) -> Iterator[Product]:
    """The product of the module, its roles started."""
    with Sandbox(settings.sandbox_dir) as network:
        network.client.add_account(PEER_NUMBER, "Peer")
        product = Product(app, settings, network, bob)
        yield product
        product.stop_all()


@pytest.fixture
def product(running: Product) -> Iterator[Product]:
    """The running product, as if it were new."""
    running.start(*(role for role in ROLES if role not in running.processes))
    running.log_start = len(running.sandbox.client.log())
    yield running
    running.sandbox.client.reset_faults()
    for role in [role for role in running.processes if role not in ROLES]:
        running.stop(role)
    _unlink_all(running)
    with running.app.app_context():
        _delete_all()


@pytest.fixture
def linked(product: Product) -> tuple[Product, str]:
    """The product with one connected instance."""
    instance_id = product.new_instance()
    product.link(instance_id)
    return product, instance_id


@again_when_beaten
def _delete_all() -> None:
    """Removes every instance under the hands of hosts, which lock the lease first."""
    with transaction() as session:
        session.execute(select(Lease.instance_id).with_for_update())
        session.execute(delete(Instance))


def _unlink_all(product: Product) -> None:
    """Takes every device off its phone, which blocks nobody any more; lets a host notice."""
    client = product.sandbox.client
    accounts = client.state()["accounts"]
    for account in accounts:
        for other in account["blocked"]:
            client.block(account["number"], other, on=False)
    devices = [
        (account["number"], device["device"])
        for account in accounts
        for device in account["devices"]
    ]
    for number, device in devices:
        client.remove_device(number, device)
    if "sessions" in product.processes:
        wait_for(lambda: not _connected(product), _LEAVES_WITHIN, "the sessions are gone")


def _connected(product: Product) -> list[Instance]:
    with product.app.app_context():
        found = db.session.query(Instance).filter(Instance.state == InstanceState.CONNECTED)
        return list(found)
