"""From raw events to events: pure, needs no engine, may run in any thread or process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError

from app.engine.events import Event
from app.engine.protos import message_class
from app.engine.raw import BadRawEvent, RawEvent
from app.engine.translate import (
    calls,
    chat_states,
    connection,
    groups,
    history,
    messages,
    people,
    receipts,
)

SESSION_ENDED = "SessionEnded"  # our own kind; its payload is the reason as text

_Translator = Callable[[Any, RawEvent], list[Event]]

# The kind is the name of neonize's message; each room translates its own.
_TRANSLATORS: dict[str, _Translator] = {
    **calls.TRANSLATORS,
    **chat_states.TRANSLATORS,
    **connection.TRANSLATORS,
    **groups.TRANSLATORS,
    **history.TRANSLATORS,
    **messages.TRANSLATORS,
    **people.TRANSLATORS,
    **receipts.TRANSLATORS,
}


def translate(raw: RawEvent) -> list[Event]:
    """Returns what `raw` means; [] for what concerns nobody. Raises BadRawEvent for a wrong payload
    or an unknown kind, which no later try will understand better."""
    if raw.kind == SESSION_ENDED:
        return connection.session_ended(raw.payload.decode(errors="replace"))
    translator = _TRANSLATORS.get(raw.kind)
    if translator is None:
        raise BadRawEvent(f"unknown kind {raw.kind!r}")
    try:
        message = message_class(f"neonize.{raw.kind}").FromString(raw.payload)
    except DecodeError as error:
        raise BadRawEvent(f"payload is no {raw.kind}") from error
    return translator(message, raw)
