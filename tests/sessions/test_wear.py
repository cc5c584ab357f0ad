"""When a host has worn out."""

from __future__ import annotations

import pytest

from app.config import Settings
from app.sessions import wear
from app.sessions.wear import Wear, Worn, memory_mib


@pytest.fixture(autouse=True)
def settled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wear, "SETTLED_AFTER", 0.0)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the process takes, in MiB: its last entry."""
    found = [100]
    monkeypatch.setattr(wear, "memory_mib", lambda: found[-1])
    return found


def with_limits(settings: Settings, **limits: int) -> Wear:
    return Wear(settings.model_copy(update=limits))


def test_memory_is_measured() -> None:
    assert 10 < memory_mib() < 4096


def test_host_above_its_memory_limit_is_worn_out(settings: Settings, memory: list[int]) -> None:
    wears = with_limits(settings, host_memory_mb=200)
    assert wears.look(opened=1, live=1) is None

    memory.append(201)

    assert wears.look(opened=1, live=1) == Worn("memory", 201, 200)


def test_host_is_not_worn_out_before_it_has_settled(
    settings: Settings, memory: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wear, "SETTLED_AFTER", 3600.0)
    memory.append(1000)

    assert with_limits(settings, host_memory_mb=200).look(opened=999, live=0) is None


def test_host_that_needs_its_limit_when_settled_restarts_only_after_it_has_grown(
    settings: Settings, memory: list[int]
) -> None:
    wears = with_limits(settings, host_memory_mb=90)
    assert wears.look(opened=1, live=1) is None
    memory.append(150)
    assert wears.look(opened=1, live=1) is None

    memory.append(151)

    assert wears.look(opened=1, live=1) == Worn("memory", 151, 150)


def test_memory_is_no_matter_where_the_limit_is_off(settings: Settings, memory: list[int]) -> None:
    memory.append(100_000)

    assert with_limits(settings, host_memory_mb=0).look(opened=1, live=1) is None


def test_host_that_closed_too_many_sessions_is_worn_out(
    settings: Settings, memory: list[int]
) -> None:
    wears = with_limits(settings, host_reopenings=20, database_url="")
    assert wears.look(opened=49, live=30) is None

    assert wears.look(opened=50, live=30) == Worn("reopenings", 20, 20)


def test_on_postgresql_sessions_and_what_was_left_behind_share_the_connections(
    settings: Settings, memory: list[int]
) -> None:
    url = "postgresql://localhost/manager"
    wears = with_limits(settings, database_url=url, sessions_per_host=50)  # type: ignore[arg-type]
    assert wears.look(opened=49, live=40) is None

    assert wears.look(opened=50, live=40) == Worn("reopenings", 10, 10)
    assert wears.look(opened=54, live=50) is None  # a full host has some in reserve
    assert wears.look(opened=55, live=50) == Worn("reopenings", 5, 5)


def test_reopenings_are_no_matter_where_the_limit_is_off(
    settings: Settings, memory: list[int]
) -> None:
    assert with_limits(settings, host_reopenings=0).look(opened=10_000, live=1) is None
