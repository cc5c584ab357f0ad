"""The states of an instance and of a message, and the moves between them."""

from __future__ import annotations

from enum import StrEnum


class InstanceState(StrEnum):
    """Where an instance stands with WhatsApp."""

    CREATED = "created"
    PAIRING = "pairing"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    LOGGED_OUT = "logged_out"
    STOPPED = "stopped"
    FAILED = "failed"


class DesiredState(StrEnum):
    """What the owner wants of the session; hosts and the clock compare it with what is.

    SIGNED_OUT: the device is to be taken off the phone's list; STOPPED follows by itself.
    """

    RUNNING = "running"
    STOPPED = "stopped"
    SIGNED_OUT = "signed_out"


_S = InstanceState
_LINKED_MOVES = {_S.CONNECTING, _S.CONNECTED, _S.DISCONNECTED, _S.LOGGED_OUT, _S.STOPPED, _S.FAILED}

MOVES: dict[InstanceState, frozenset[InstanceState]] = {
    _S.CREATED: frozenset({_S.PAIRING, _S.FAILED}),
    _S.PAIRING: frozenset({_S.CREATED, _S.CONNECTING, _S.LOGGED_OUT, _S.FAILED}),
    _S.CONNECTING: frozenset(_LINKED_MOVES - {_S.CONNECTING}),
    _S.CONNECTED: frozenset(_LINKED_MOVES - {_S.CONNECTED}),
    _S.DISCONNECTED: frozenset(_LINKED_MOVES - {_S.DISCONNECTED}),
    _S.LOGGED_OUT: frozenset({_S.PAIRING, _S.FAILED}),
    _S.STOPPED: frozenset({_S.CONNECTING, _S.PAIRING, _S.LOGGED_OUT}),
    _S.FAILED: frozenset(
        {_S.PAIRING, _S.CONNECTING, _S.CONNECTED, _S.LOGGED_OUT, _S.STOPPED, _S.CREATED}
    ),
}


def may_move(current: InstanceState, to: InstanceState) -> bool:
    """Whether an instance may go from `current` to `to`."""
    return to in MOVES[current]


UNLINKED = frozenset({_S.CREATED, _S.PAIRING, _S.LOGGED_OUT})
"""States in which there is no linked device to open a session with."""


class MessageStatus(StrEnum):
    """How far a message has come."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    RECEIVED = "received"


_PROGRESS = (
    MessageStatus.QUEUED,
    MessageStatus.SENDING,
    MessageStatus.UNCONFIRMED,
    MessageStatus.SENT,
    MessageStatus.DELIVERED,
    MessageStatus.READ,
    MessageStatus.PLAYED,
)


def before(status: MessageStatus) -> frozenset[MessageStatus]:
    """The statuses a receipt may lift to `status`: receipts never move a message back."""
    if status not in _PROGRESS:
        return frozenset()
    return frozenset(_PROGRESS[: _PROGRESS.index(status)])
