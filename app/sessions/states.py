"""What an engine's event means for the state of an instance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog

from app.core.errors import Conflict
from app.core.events import iso
from app.core.states import InstanceState
from app.engine.events import (
    ClientOutdated,
    Connected,
    ConnectFailure,
    Disconnected,
    Event,
    LoggedOut,
    SessionEnded,
    StreamReplaced,
    TemporaryBan,
)
from app.models import Instance
from app.services import instances
from app.services import sessions as wishes

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Move:
    """Where an event brings the instance. `ends`: there is nothing left to hold open; `reopens`:
    the engine's session is of no use, the instance needs another one."""

    to: InstanceState
    reason: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    ends: bool = False
    reopens: bool = False


TAKEN_BACK = "taken_back"
"""The reason while a session is reopened that the host before has opened once more."""
_LOST = Move(InstanceState.DISCONNECTED, "connection_lost")
_MOVES: dict[type, Callable[[Any], Move]] = {
    Connected: lambda event: Move(InstanceState.CONNECTED),
    Disconnected: lambda event: _LOST,
    SessionEnded: lambda event: replace(_LOST, reopens=True),
    LoggedOut: lambda event: Move(InstanceState.LOGGED_OUT, event.reason, ends=True),
    StreamReplaced: lambda event: _failed("stream_replaced"),
    ClientOutdated: lambda event: _failed("client_outdated"),
    TemporaryBan: lambda event: _banned(event.expires_at),
    ConnectFailure: lambda event: _failed("refused_by_whatsapp", code=event.code),
}


def move_of(event: Event, *, contested: bool = False) -> Move | None:
    """Where `event` brings the instance; None for events that change no state.

    contested: another host of ours may still run the session; it is known to stop by itself.
    """
    if contested and isinstance(event, StreamReplaced):
        return Move(InstanceState.DISCONNECTED, TAKEN_BACK, reopens=True)
    find = _MOVES.get(type(event))
    return find(event) if find else None


def apply(move: Move, instance: Instance) -> bool:
    """Whether the instance now is where `move` brings it; it is not when it was elsewhere by then,
    for example signed out by its owner."""
    if instance.state == move.to and move.ends:
        return True
    try:
        instances.move(instance, move.to, reason=move.reason, detail=move.detail)
    except Conflict:
        log.info("session.move_refused", instance_id=instance.id, state=instance.state, to=move.to)
        return False
    if move.to is InstanceState.LOGGED_OUT:
        wishes.unlink(instance)
    return True


def _banned(until: datetime | None) -> Move:
    return _failed("temporary_ban", until=iso(until)) if until else _failed("restricted")


def _failed(reason: str, **detail: Any) -> Move:
    return Move(InstanceState.FAILED, reason, detail, ends=True)
