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
from app.extensions import db
from app.models import Instance, Pairing, User
from app.services import pairings
from app.sessions import abandoned, key_files, pairing
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
    attempt = taken(instance)
    key_store(settings, attempt)
    with time_machine.travel(utcnow() + LATER):
        abandoned.settle()
    assert (instance.state, instance.reason) == (InstanceState.FAILED, "pairing_crashed")
    assert attempt.active is None


def test_an_attempt_whose_keys_cannot_be_read_is_ended(
    settings: Settings, instance: Instance
) -> None:
    attempt = taken(instance)
    key_store(settings, attempt).write_bytes(b"no database at all" * 100)
    with time_machine.travel(utcnow() + LATER):
        abandoned.settle()
    assert (instance.state, instance.reason) == (InstanceState.FAILED, "pairing_crashed")


def test_a_link_nobody_wrote_down_is_taken_over(settings: Settings, instance: Instance) -> None:
    attempt = taken(instance)
    path = key_store(settings, attempt, "15550001000:3@s.whatsapp.net")
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
    attempt = taken(instance)
    abandoned.settle()
    assert attempt.active is True


def test_link_found_in_the_keys_at_the_end_of_an_attempt_is_kept(
    settings: Settings, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction():
        attempt = pairings.start(instance)
    path = settings.key_store_dir / attempt.key_store

    class Accepted:
        """The pairing process of an attempt that somebody ended when the phone had accepted."""

        def __init__(self, *_: object) -> None:
            key_store(settings, attempt, "15550001000:3@s.whatsapp.net")

        def __enter__(self) -> Accepted:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def hear(self, seconds: float) -> None:
            with transaction():
                pairings.start_by_phone_code(instance, phone="+15550001000", country="RU")

    monkeypatch.setattr(pairing, "PairingChild", Accepted)

    pairing.run(attempt.id)

    db.session.rollback()
    assert instance.state == InstanceState.CONNECTING
    assert instance.account is not None
    assert instance.account.device_jid == "15550001000:3@s.whatsapp.net"
    assert path.exists()
    assert pairings.active_of(instance) is None


def test_given_up_attempt_whose_phone_accepted_is_linked(instance: Instance) -> None:
    attempt = taken(instance)
    with transaction():
        pairings.give_up(attempt, reason=None)
    assert instance.state == InstanceState.CREATED

    with transaction():
        pairings.finish(attempt, phone="15550001000", lid=None, device=3, push_name="")

    assert instance.state == InstanceState.CONNECTING
