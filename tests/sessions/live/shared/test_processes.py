"""Which process does what: the engine's library lives in few, and those do nothing else."""

from __future__ import annotations

from pathlib import Path

import psutil

from tests.sessions.live.conftest import Product


def has_engine(process: psutil.Process) -> bool:
    """Whether the engine's library is loaded there."""
    return "neonize" in Path(f"/proc/{process.pid}/maps").read_text()


def test_engine_lives_in_session_hosts_and_pairing_processes_alone(
    linked: tuple[Product, str],
) -> None:
    product, _ = linked
    product.start("webhooks", "jobs")
    product.code(product.new_instance())

    pairing = product.running("app.sessions.pairing_process")
    host = psutil.Process(product.processes["sessions"].pid)
    assert [has_engine(process) for process in pairing] == [True]
    assert has_engine(host)
    others = [psutil.Process(product.processes[role].pid) for role in product.processes]
    workers = [other for other in others if other != host]
    horses = [child for worker in workers for child in worker.children(recursive=True)]
    assert not any(has_engine(one) for one in (*workers, *horses) if one not in pairing)


def test_session_host_has_no_children_and_listens_nowhere(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    product.queue(instance_id, "Hello")
    host = psutil.Process(product.processes["sessions"].pid)

    assert host.children(recursive=True) == []
    assert [one for one in host.net_connections() if one.status == psutil.CONN_LISTEN] == []
