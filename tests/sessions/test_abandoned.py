"""Attempts whose worker is gone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from app.clock import utcnow
from app.config import Settings
from app.core.states import InstanceState
from app.models import Instance, Pairing, User
from app.services import pairings
from app.sessions import abandoned, key_files
from app.transaction import transaction
from tests import factories

pytestmark = pytest.mark.usefixtures("app_context")

LATER = pairings.NOBODY_ASKS + timedelta(seconds=1)


@pytest.fixture
def database_url() -> str:
    """These tests put keys into files; tests/engine has keys in PostgreSQL."""
    return ""


@pytest.fixture
def instance(bob: User) -> Instance:
    return factories.instance(bob)


def taken(instance: Instance) -> Pairing:
    with transaction():
        pairing = pairings.start(instance)
        pairings.take(pairing.id)
    return pairing


def key_store(settings: Settings, pairing: Pairing, jid: str | None = None) -> Path:
    """The keys' file, with the table the engine makes, and the account of `jid` in it."""
    path = key_files.path_of(settings, pairing.key_store)
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE whatsmeow_device (jid, lid, push_name, platform)")
        if jid is not None:
            row = (jid, "777:3@lid", "Anna", "android")
            connection.execute("INSERT INTO whatsmeow_device VALUES (?, ?, ?, ?)", row)
    return path


def test_an_attempt_without_a_link_is_ended(settings: Settings, instance: Instance) -> None:
    pairing = taken(instance)
    key_store(settings, pairing)
    with time_machine.travel(utcnow() + LATER):
        abandoned.settle()
    assert (instance.state, instance.reason) == (InstanceState.FAILED, "pairing_crashed")
    assert pairing.active is None


def test_an_attempt_whose_keys_cannot_be_read_is_ended(
    settings: Settings, instance: Instance
) -> None:
    pairing = taken(instance)
    key_store(settings, pairing).write_bytes(b"no database at all" * 100)
    with time_machine.travel(utcnow() + LATER):
        abandoned.settle()
    assert (instance.state, instance.reason) == (InstanceState.FAILED, "pairing_crashed")


def test_a_link_nobody_wrote_down_is_taken_over(settings: Settings, instance: Instance) -> None:
    pairing = taken(instance)
    path = key_store(settings, pairing, "15550001000:3@s.whatsapp.net")
    with time_machine.travel(utcnow() + LATER):
        abandoned.settle()
    assert instance.state == InstanceState.CONNECTING
    assert instance.account is not None
    assert instance.account.device_jid == "15550001000:3@s.whatsapp.net"
    assert (instance.account.lid, instance.account.key_store) == ("777", path.name)
    assert path.exists()


def test_an_attempt_that_no_worker_took_leaves_the_instance_as_it_was(instance: Instance) -> None:
    with transaction():
        pairings.start(instance)
    with time_machine.travel(utcnow() + LATER):
        abandoned.settle()
    assert (instance.state, instance.reason) == (InstanceState.CREATED, None)


def test_an_attempt_with_a_worker_goes_on(instance: Instance) -> None:
    pairing = taken(instance)
    abandoned.settle()
    assert pairing.active is True
