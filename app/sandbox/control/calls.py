"""Calls, over the control interface."""

from __future__ import annotations

from typing import Any

from app.sandbox.calls import RING_SECONDS
from app.sandbox.control.request import ControlError, Request, phone_number
from app.sandbox.network import Network

_Answer = tuple[int, Any]
_LONGEST_SECONDS = 600


async def call(network: Network, request: Request, number: str) -> _Answer:
    """Call an account."""
    caller, called = network.account(number), network.account(phone_number(request.text("to")))
    if called is caller:
        raise ControlError(422, "nobody calls themselves")
    video = request.body.get("video", False)
    if not isinstance(video, bool):
        raise ControlError(400, "video must be true or false")
    call_id = network.calls.offer(caller, called, video=video, seconds=_seconds(request))
    return 200, {"id": call_id}


async def hang_up(network: Network, request: Request, number: str) -> _Answer:
    """Give a call up that rings."""
    call_id = request.text("id")
    if not network.calls.hang_up(network.account(number), call_id):
        raise ControlError(404, f"no call {call_id!r} of {number} rings")
    return 200, {"id": call_id}


def _seconds(request: Request) -> float:
    seconds = request.body.get("ring_seconds", RING_SECONDS)
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not number or not 0 < seconds <= _LONGEST_SECONDS:
        raise ControlError(400, f"ring_seconds is a number up to {_LONGEST_SECONDS}")
    return float(seconds)
