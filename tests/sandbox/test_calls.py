"""Calls on the network: offered, given up, unanswered, rejected by a linked device."""

from __future__ import annotations

from typing import Any

import pytest

from app.sandbox.client import SandboxError
from app.sandbox.testing import Sandbox
from tests.sandbox.acts import ALICE, ECHO, FRIEND
from tests.waiting import wait_for


def _ends(network: Sandbox, call: str) -> list[Any]:
    """Why the call has ended, as often as it did."""
    told = [one for one in network.client.log() if one["kind"] == "call_ended"]
    return [one["reason"] for one in told if one["id"] == call]


def test_call_rings_until_the_caller_hangs_up(calm: Sandbox) -> None:
    call = calm.client.call(FRIEND, ALICE, video=True)
    (rings,) = (one for one in calm.client.log() if one.get("id") == call)
    assert (rings["kind"], rings["account"], rings["from"]) == ("call", ALICE, FRIEND)
    assert rings["video"] is True

    with pytest.raises(SandboxError, match="no call"):
        calm.client.hang_up(ECHO, call)
    assert _ends(calm, call) == []
    calm.client.hang_up(FRIEND, call)
    assert _ends(calm, call) == ["hung_up"]
    with pytest.raises(SandboxError, match="no call"):
        calm.client.hang_up(FRIEND, call)


def test_call_that_nobody_answers_ends_by_itself(calm: Sandbox) -> None:
    call = calm.client.call(FRIEND, ALICE, ring_seconds=0.05)

    wait_for(lambda: _ends(calm, call) == ["no_answer"], 5, "it has ended")
