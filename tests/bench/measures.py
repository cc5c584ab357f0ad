"""What is measured of a start."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import psutil

from tests.bench.fleet import Place, Running, running
from tests.product import role_of
from tests.waiting import wait_for

_GIVE_UP = 120.0  # seconds
_MIB = 1024 * 1024
_NAMES = {
    "redis.sock": "Redis",
    "app.sandbox": "test network (not part of the product)",
    "app.supervisor": "supervisor",
    "app.supervisor.web": "web",
}
_SETTLED = 5.0  # seconds of rest before memory is read


@dataclass(frozen=True)
class Memory:
    """Of all processes of one role together, in MiB. PSS: memory that several processes share is
    split between them; USS: what nobody else has."""

    processes: int
    pss: float
    uss: float


@dataclass(frozen=True)
class Start:
    """One start of the product, in seconds from the start of the supervisor."""

    load: float
    """The machine's load average before it."""
    ready: float
    hosts_up: float
    first_login: float
    last_login: float
    memory: dict[str, Memory]

    @property
    def restored(self) -> float:
        """From the moment that the last session host was up until the last login."""
        return self.last_login - self.hosts_up


def cold_start(place: Place, phones: int) -> Start:
    """Starts the product and waits until all `phones` have their device online again, as the test
    network tells; then stops it."""
    load = os.getloadavg()[0]
    with running(place) as run:
        wait_for(lambda: len(_logins(run)) == phones, _GIVE_UP, "all phones have logged in")
        logins = _logins(run)
        wait_for(lambda: _online(run) == phones, _GIVE_UP, "all phones are online")
        hosts = [run.since_start(fact["timestamp"]) for fact in run.facts("host.started")]
        memory = _settled_memory(run)
    first, last = min(logins, default=0.0), max(logins, default=0.0)
    return Start(load, run.ready_after, max(hosts), first, last, memory)


def _logins(run: Running) -> list[float]:
    """When each account's first login after the start was, by the test network's log."""
    logins: dict[str, float] = {}
    for entry in run.sandbox.log():
        if entry["kind"] == "login" and datetime.fromisoformat(entry["time"]) >= run.started_at:
            logins.setdefault(entry["account"], run.since_start(entry["time"]))
    return [*logins.values()]


def _online(run: Running) -> int:
    accounts = run.sandbox.state()["accounts"]
    return sum(any(device["online"] for device in one["devices"]) for one in accounts)


def _settled_memory(run: Running) -> dict[str, Memory]:
    """Memory of each role, once nothing has begun for a while."""
    with contextlib.suppress(psutil.TimeoutExpired):
        psutil.Process(run.product.process.pid).wait(_SETTLED)
    root = psutil.Process(run.product.process.pid)
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for process in (root, *root.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            used = process.memory_full_info()
            found[_role(process)].append((used.pss, used.uss))
    return {role: _sum(sizes) for role, sizes in sorted(found.items())}


def _sum(sizes: list[tuple[int, int]]) -> Memory:
    pss, uss = zip(*sizes, strict=True)
    return Memory(len(sizes), sum(pss) / _MIB, sum(uss) / _MIB)


def _role(process: psutil.Process) -> str:
    """The role of a worker; others are named by their module or program."""
    if role := role_of(process):
        return "supervisor of the workers" if role == "worker" else role
    words = [word.rpartition("/")[2] for word in process.cmdline()]
    known = [_NAMES[word.split()[0]] for word in words if word and word.split()[0] in _NAMES]
    return known[0] if known else " ".join(words[:3])
