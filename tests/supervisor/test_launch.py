"""`python -m app.supervisor` on the real thing: every process of the product."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.product import Product, free_port, running_product, start
from tests.waiting import wait_for

ROLES = ("sessions", "pairing", "webhooks", "jobs", "clock")


@pytest.fixture(scope="module")
def product(module_folder: Path) -> Iterator[Product]:
    with running_product(module_folder) as product:
        yield product


def test_product_is_ready_when_it_says_so(product: Product) -> None:
    assert product.is_ready()


def test_product_prints_its_address_and_a_setup_link(product: Product) -> None:
    assert f"WhatsApp API Manager: {product.address}/" in product.output
    assert len(product.setup_path) > len("/setup/") + 20


def test_every_role_runs(product: Product) -> None:
    for role in ROLES:
        wait_for(lambda role=role: product.processes(role), 10, role)  # type: ignore[misc]


def test_second_product_on_the_same_folder_is_refused_in_one_line(
    product: Product, module_folder: Path
) -> None:
    code, output = refusal(module_folder, free_port())

    assert code == 1
    assert output.startswith(f"Cannot start: DATA_DIR: the product already runs on {module_folder}")
    assert output.count("\n") == 1


def test_port_in_use_is_one_line(product: Product, data_dir: Path) -> None:
    code, output = refusal(data_dir, product.port)

    assert code == 1
    assert output.startswith(f"Cannot start: PORT: {product.port} is in use")
    assert output.count("\n") == 1


def test_wrong_setting_is_one_line(data_dir: Path) -> None:
    code, output = refusal(data_dir, 0)

    assert code == 2
    assert output.startswith("Cannot start: PORT: ")
    assert output.count("\n") == 1


def test_killed_redis_is_replaced(product: Product, module_folder: Path) -> None:
    redis = redis_of(product)
    redis.kill()

    wait_for(lambda: redis_of(product, but=redis), 10, "a new Redis")
    wait_for(product.is_ready, 10, "ready again")


def test_killed_role_is_replaced(product: Product) -> None:
    (clock,) = wait_for(lambda: product.processes("clock"), 10)
    clock.kill()

    wait_for(lambda: set(product.processes("clock")) - {clock}, 10, "a new clock")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_every_process_within_ten_seconds(
    data_dir: Path, number: signal.Signals
) -> None:
    with running_product(data_dir) as product:
        processes = product.processes()
        told = time.monotonic()
        code = product.stop(number)

        assert code == 0
        assert time.monotonic() - told < 10
        assert [process for process in processes if is_alive(process)] == []


def test_kill_of_the_supervisor_leaves_no_orphan(data_dir: Path) -> None:
    with running_product(data_dir) as product:
        processes = product.processes()
        product.process.kill()

        wait_for(lambda: not any(map(is_alive, processes)), 10, "all processes are gone")


def test_killed_product_starts_again_at_once(data_dir: Path) -> None:
    with running_product(data_dir) as first:
        first.process.kill()
        first.process.wait()
        with (data_dir / "again.txt").open("wb") as output:
            process = start(data_dir, first.port, output)
        again = Product(process, first.port, data_dir / "again.txt")
        try:
            wait_for(lambda: "WhatsApp API Manager:" in again.output, 60, "it is ready again")
            assert again.is_ready()
        finally:
            again.stop()


def refusal(data_dir: Path, port: int) -> tuple[int, str]:
    """Exit status and output of a start that is refused."""
    with start(data_dir, port, subprocess.PIPE) as process:
        output, _ = process.communicate(timeout=20)
    return process.returncode, output.decode()


def redis_of(product: Product, but: psutil.Process | None = None) -> psutil.Process | None:
    """The product's Redis, if it is another one than `but`."""
    for process in psutil.Process(product.process.pid).children():
        if process != but and "redis-server" in process.name():
            return process
    return None


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
