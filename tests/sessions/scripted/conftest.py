"""Session hosts in this process, on an engine that does what a test tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from app import bell
from app.config import Settings
from app.core.states import DesiredState, InstanceState
from app.models import User
from app.sessions.host import SessionHost
from tests import factories
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import Look


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """At a brisk pace."""
    return settings.model_copy(update={"send_gap_ms": 50})


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def new_host(
    app: Flask, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], SessionHost]]:
    """Makes hosts that end with the test."""
    monkeypatch.setattr(bell, "LISTEN_SECONDS", 0.1)
    made: list[SessionHost] = []

    def make() -> SessionHost:
        made.append(SessionHost(app, engine, end=lambda: None))
        made[-1].begin()
        return made[-1]

    yield make
    for host in made:
        if not host.stopping.is_set():
            host.end()


@pytest.fixture
def instance_id(app: Flask, bob: User) -> str:
    """A linked instance that is wanted and not open."""
    with app.app_context():
        instance = factories.instance(
            bob, state=InstanceState.CONNECTING, desired=DesiredState.RUNNING
        )
        factories.linked_account(instance)
        return instance.id


@pytest.fixture
def look(app: Flask, instance_id: str) -> Look:
    return Look(app, instance_id)


@pytest.fixture
def opened(look: Look, new_host: Callable[[], SessionHost]) -> SessionHost:
    """A host that holds the instance's session, connected."""
    host = new_host()
    look.open_on(host)
    look.wait_state(InstanceState.CONNECTED)
    return host
