"""Calls through the real engine on the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from app.engine.events import CallEnded, CallOffered, Connected
from app.sandbox.testing import Sandbox
from tests.engine.conftest import OWN_NUMBER, PEER, PEER_NUMBER
from tests.engine.test_session import Session
from tests.waiting import wait_for


def _end(sandbox: Sandbox, call: str) -> dict[str, Any]:
    """How the call has ended, by the network's log."""
    told = [one for one in sandbox.client.log() if one["kind"] == "call_ended"]
    return next((one for one in told if one["id"] == call), {})


def test_call_is_told_with_both_names_of_who_calls_and_can_be_rejected(
    session: Session, sandbox: Sandbox
) -> None:
    process, linked = session
    process.wait_event(Connected)
    call = sandbox.client.call(PEER_NUMBER, OWN_NUMBER, video=True)
    offered = process.wait_event(CallOffered)
    assert (offered.id, offered.video, offered.is_group) == (call, True, False)
    assert (offered.caller.phone, offered.caller.number) == (PEER, PEER_NUMBER)
    assert abs(datetime.now(UTC) - offered.timestamp) < timedelta(seconds=10)

    process.do("reject_call", jid=linked.jid, call_id=call, caller=offered.caller.lid)

    end = wait_for(lambda: _end(sandbox, call), what="the call has ended")
    assert (end["reason"], end["device"]) == (
        "rejected",
        int(linked.jid.split(":")[1].split("@")[0]),
    )
    assert sandbox.client.state()["unhandled"] == []


def test_end_of_a_call_is_told(session: Session, sandbox: Sandbox) -> None:
    process, _ = session
    process.wait_event(Connected)
    call = sandbox.client.call(PEER_NUMBER, OWN_NUMBER)
    sandbox.client.hang_up(PEER_NUMBER, call)

    assert process.wait_event(CallEnded).id == call
