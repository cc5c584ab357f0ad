"""What an engine's event means for the state of an instance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
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
    """Where an event brings the instance. `ends`: there is nothing left to hold open."""

    to: InstanceState
    reason: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    ends: bool = False


_LOST = Move(InstanceState.DISCONNECTED, "connection_lost")
_MOVES: dict[type, Callable[[Any], Move]] = {
    Connected: lambda event: Move(InstanceState.CONNECTED),
    Disconnected: lambda event: _LOST,
    SessionEnded: lambda event: _LOST,
    LoggedOut: lambda event: Move(InstanceState.LOGGED_OUT, event.reason, ends=True),
    StreamReplaced: lambda event: _failed("stream_replaced"),
    ClientOutdated: lambda event: _failed("client_outdated"),
    TemporaryBan: lambda event: _failed("temporary_ban", until=iso(event.expires_at)),
    ConnectFailure: lambda event: _failed("refused_by_whatsapp", code=event.code),
}


def move_of(event: Event) -> Move | None:
    """Where `event` brings the instance; None for events that change no state."""
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


def _failed(reason: str, **detail: Any) -> Move:
    return Move(InstanceState.FAILED, reason, detail, ends=True)
