"""Which of the product's processes hold the engine, and what they find in their environment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.product import Product, running_product
from tests.waiting import wait_for

ROLES = ("sessions", "pairing", "webhooks", "jobs", "clock")


@pytest.fixture(scope="module")
def product(module_folder: Path) -> Iterator[Product]:
    with running_product(module_folder, SANDBOX="1") as product:
        wait_for(lambda: all(product.processes(role) for role in ROLES), 20, "every role runs")
        yield product


def holds_engine(process: psutil.Process) -> bool:
    try:
        return "neonize" in Path(f"/proc/{process.pid}/maps").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_only_session_hosts_hold_the_engine(product: Product) -> None:
    hosts = product.processes("sessions")
    wait_for(lambda: all(holds_engine(host) for host in hosts), 10, "the hosts load the engine")

    assert [process for process in product.processes() if holds_engine(process)] == hosts


def test_session_host_starts_no_process(product: Product) -> None:
    hosts = product.processes("sessions")
    wait_for(lambda: all(holds_engine(host) for host in hosts), 10, "the hosts load the engine")

    assert [child for host in hosts for child in host.children()] == []


def test_session_hosts_trust_the_test_network(product: Product, module_folder: Path) -> None:
    for host in product.processes("sessions"):
        environment = host.environ()

        assert Path(environment["SSL_CERT_FILE"]).is_relative_to(module_folder / "sandbox")
        assert environment["SANDBOX_STATE"] == str(module_folder / "sandbox" / "sandbox.json")


def test_nobody_else_trusts_the_test_network(product: Product, module_folder: Path) -> None:
    hosts = product.processes("sessions")
    others = [process for process in product.processes() if process not in hosts]

    assert len(others) >= 8
    trusted = {one.pid: one.environ().get("SSL_CERT_FILE", "") for one in others}
    assert [pid for pid, file in trusted.items() if str(module_folder) in file] == []
