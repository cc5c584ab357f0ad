"""Calls: told either way, rejected where that is switched on, each once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.events import Subscription
from app.engine.address import Address
from app.engine.errors import EngineError, NotConnected
from app.engine.events import CallEnded, CallOffered
from app.extensions import db
from app.models import Call, Delivery, Instance
from app.models.call import Fate
from app.sessions.host import SessionHost
from tests import factories
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import PATIENCE, PEER, Look, incoming, leave_spool
from tests.waiting import wait_for

CALLER = "+1 555-200-0001"


@pytest.fixture
def strict(look: Look) -> Look:
    """The instance, rejecting calls before its session is opened."""

    def switch_on(instance: Instance) -> None:
        instance.reject_calls = True

    look.act(switch_on)
    return look


@pytest.fixture
def strict_host(strict: Look, opened: SessionHost) -> SessionHost:
    """A host that holds the session of an instance that rejects calls."""
    return opened


@pytest.fixture
def told(app: Flask, look: Look) -> Callable[[], list[dict[str, Any]]]:
    """What a webhook that wants calls is due, oldest first."""
    with app.app_context():
        factories.endpoint(look.instance, events=[Subscription.CALLS.value])

    def bodies() -> list[dict[str, Any]]:
        with app.app_context():
            found = db.session.scalars(select(Delivery).order_by(Delivery.id))
            return [json.loads(one.body)["data"] for one in found]

    return bodies


def call(call_id: str = "C1", *, ago: float = 0, **changes: Any) -> CallOffered:
    at = datetime.now(UTC) - timedelta(seconds=ago)
    fields = {"id": call_id, "caller": PEER, "timestamp": at, "is_group": False, "video": False}
    return CallOffered(**fields | changes)


def calls_of(look: Look) -> list[str]:
    return [line for line in look.journal if "all from" in line]


def test_call_is_told_once_and_not_rejected_by_itself(
    opened: SessionHost, look: Look, engine: ScriptedEngine, told: Any
) -> None:
    offer = call(video=True)
    for event in (offer, offer, CallEnded("C1"), offer):
        engine.tell(event)
    engine.tell(incoming("Afterwards"))
    wait_for(lambda: look.messages, PATIENCE, "everything was heard")

    assert calls_of(look) == [f"Video call from {CALLER}"]
    assert not [line for line in look.journal if "set aside" in line]
    (data,) = told()
    assert data.pop("timestamp").endswith("Z")
    assert data == {
        "instanceId": look.id,
        "callId": "C1",
        "from": "15552000001@s.whatsapp.net",
        "fromLid": "90001",
        "isGroup": False,
        "video": True,
        "rejected": False,
    }
    assert engine.rejected == []


def test_call_is_rejected_once_where_that_is_switched_on(
    strict_host: SessionHost, look: Look, engine: ScriptedEngine, told: Any
) -> None:
    engine.tell(incoming("Hello"))  # from now on the caller has a name
    engine.tell(call())
    wait_for(lambda: calls_of(look), PATIENCE, "it is in the journal")
    engine.tell(call())
    engine.tell(CallEnded("C1"))
    engine.tell(incoming("Afterwards", "A2"))
    wait_for(lambda: len(look.messages) == 2, PATIENCE, "everything was heard")

    assert engine.rejected == [("C1", "90001@lid")]
    assert calls_of(look) == [f"Call from Anna, {CALLER}, rejected"]
    assert [data["rejected"] for data in told()] == [True]


def test_switch_holds_from_the_next_call_on(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.tell(call("C1"))
    wait_for(lambda: calls_of(look), PATIENCE, "the first is in the journal")

    def switch_on(instance: Instance) -> None:
        instance.reject_calls = True

    look.act(switch_on)
    engine.tell(call("C2", caller=Address.of("90009@lid"), is_group=True, video=None))

    wait_for(lambda: len(calls_of(look)) == 2, PATIENCE, "the second is in the journal")
    assert calls_of(look)[1] == "Group call from 90009@lid, rejected"
    assert engine.rejected == [("C2", "90009@lid")]
    assert len(engine.sessions) == 1


def test_old_calls_are_told_and_not_rejected(
    strict: Look, engine: ScriptedEngine, app: Flask, new_host: Callable[[], SessionHost]
) -> None:
    leave_spool(app, strict, engine.raw_of(call("OLD", ago=61)), engine.raw_of(call("NEW")))
    strict.open_on(new_host())

    wait_for(lambda: len(calls_of(strict)) == 2, PATIENCE, "both are in the journal")
    assert engine.rejected == [("NEW", "90001@lid")]
    assert calls_of(strict) == [f"Call from {CALLER}", f"Call from {CALLER}, rejected"]


def test_call_that_cannot_be_rejected_just_now_is_tried_again(
    strict_host: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.reject_errors += [NotConnected("just now"), EngineError("connection_lost")]
    engine.tell(call())
    wait_for(lambda: len(engine.reject_errors) < 2, PATIENCE, "it was tried")
    for number in range(2):
        engine.tell(call(f"WAKE{number}"))

    wait_for(lambda: len(engine.rejected) == 3, PATIENCE, "all are rejected")
    assert engine.rejected[0] == ("C1", "90001@lid")


def test_call_that_a_dead_host_was_to_reject_is_settled_by_the_next(
    strict: Look, engine: ScriptedEngine, app: Flask, new_host: Callable[[], SessionHost]
) -> None:
    now = datetime.now(UTC)
    with app.app_context():
        for call_id, ago in (("OLD", 61), ("NEW", 1)):
            factories.call(strict.instance, call_id, offered_at=now - timedelta(seconds=ago))
    strict.open_on(new_host())

    wait_for(lambda: len(calls_of(strict)) == 2, PATIENCE, "both are in the journal")
    assert engine.rejected == [("NEW", "90001@lid")]
    with app.app_context():
        fates = {one.wa_id: one.fate for one in db.session.scalars(select(Call))}
    assert fates == {"OLD": Fate.LEFT, "NEW": Fate.REJECTED}


def test_call_that_ended_first_is_not_rejected(
    strict: Look, engine: ScriptedEngine, app: Flask, new_host: Callable[[], SessionHost]
) -> None:
    leave_spool(app, strict, engine.raw_of(call()), engine.raw_of(CallEnded("C1")))
    strict.open_on(new_host())

    wait_for(lambda: calls_of(strict), PATIENCE, "it is in the journal")
    assert calls_of(strict) == [f"Call from {CALLER}"]
    assert engine.rejected == []


def test_session_that_ends_leaves_no_call_untold(
    strict_host: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.reject_errors += [EngineError("refused")]
    engine.tell(call())
    wait_for(lambda: not engine.reject_errors, PATIENCE, "it was tried")
    assert calls_of(look) == []

    strict_host.end()

    assert calls_of(look) == [f"Call from {CALLER}"]


def test_what_the_account_calls_itself_is_no_call_for_it(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    with look.app.app_context():
        own = look.instance.account
    assert own is not None
    engine.tell(call(caller=Address.of(f"{own.phone}@s.whatsapp.net")))
    engine.tell(call("C2"))

    wait_for(lambda: calls_of(look), PATIENCE, "the other one is in the journal")
    assert len(calls_of(look)) == 1
