"""How chats are kept, in whatsmeow's terms: patches of app state out (its appstate package), the
settings that it has written into the key store in.

No event of neonize tells of a phone's own changes: whatsmeow fetches them and keeps the last state
of each chat, without a time, and only of archiving, pinning and muting.
"""

from __future__ import annotations

import importlib
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Protocol

from app.core.chat_settings import ALWAYS, Aspect, ChatSettings, LastMessage
from app.engine import keystore, mending
from app.engine.errors import EngineError

_FOR_GOOD = -1
_ARCHIVE, _PIN, _MUTE, _READ = ("archive", 3), ("pin_v1", 5), ("mute", 2), ("markChatAsRead", 3)
"""Names and versions of the records (encode.go, keys.go)."""
_DATABASE_SECONDS = 60
"""A database is asked no more often: each time costs a connection."""


class _Live(Protocol):
    """Gives the client of an open session; `reads_store` for calls that must find it there."""

    def __call__(self, *, reads_store: bool = False) -> AbstractContextManager[Any]: ...


class NeonizeChatSettings:
    """The chats of one session. See `app.engine.base.ChatSettingsCalls`."""

    def __init__(self, live: _Live, store: str, jid: str) -> None:
        self._live = live
        self._store = store
        self._jid = jid

    def tell(
        self,
        chat: str,
        aspect: Aspect,
        *,
        on: bool,
        until: datetime | None = None,
        last: LastMessage | None = None,
    ) -> None:
        """Sends a patch and returns when WhatsApp has taken it. Raises EngineError."""
        if not mending.mended():
            raise EngineError("app_state_unsupported", permanent=True)
        with self._live() as client:
            client.send_app_state(_patch(chat, aspect, on, until, last))

    def known(self) -> list[ChatSettings]:
        """Returns what the key store holds. Raises KeyStoreUnreadable."""
        rows = keystore.chat_settings(self._store, self._jid)
        return [
            ChatSettings(str(jid), bool(archived), bool(pinned), _moment(int(muted)))
            for jid, muted, pinned, archived in rows
        ]

    def stamp(self) -> object:
        """Returns when the key store was written to last; of a database, which minute it is."""
        return keystore.changed_at(self._store) or int(time.time() // _DATABASE_SECONDS)


def _moment(seconds: int) -> datetime | None:
    if seconds == _FOR_GOOD:
        return ALWAYS
    at_most = int(ALWAYS.timestamp())
    return datetime.fromtimestamp(min(seconds, at_most), UTC) if seconds > 0 else None


def _patch(
    chat: str, aspect: Aspect, on: bool, until: datetime | None, last: LastMessage | None
) -> Any:
    """neonize's PatchInfo, whose time is in nanoseconds."""
    kind = importlib.import_module("neonize.proto.Neonize_pb2").PatchInfo
    patch = kind(Timestamp=time.time_ns(), Type=kind.REGULAR_LOW)
    if aspect is Aspect.ARCHIVED:
        action = _record(patch, _ARCHIVE, chat).archiveChatAction
        action.archived = on
        _speak_of(action.messageRange, chat, last)
        if on:
            _record(patch, _PIN, chat).pinAction.pinned = False
    elif aspect is Aspect.PINNED:
        _record(patch, _PIN, chat).pinAction.pinned = on
    elif aspect is Aspect.UNREAD:
        reading = _record(patch, _READ, chat).markChatAsReadAction
        reading.read = not on
        _speak_of(reading.messageRange, chat, last)
    else:
        patch.Type = kind.REGULAR_HIGH
        muting = _record(patch, _MUTE, chat).muteAction
        muting.muted = on
        if on:
            for_good = until is None or until >= ALWAYS
            muting.muteEndTimestamp = _FOR_GOOD if for_good else _milliseconds(until)
    return patch


def _record(patch: Any, what: tuple[str, int], chat: str) -> Any:
    name, version = what
    record = patch.Mutations.add(Index=[name, chat], Version=version)
    record.Value.SetInParent()
    return record.Value


def _speak_of(spoken: Any, chat: str, last: LastMessage | None) -> None:
    """Says which message was the newest; a phone archives nothing that came later."""
    if last is None:
        spoken.lastMessageTimestamp = int(time.time())
        return
    seconds = int(last.at.timestamp())
    spoken.lastMessageTimestamp = seconds
    message = spoken.messages.add(timestamp=seconds)
    message.key.remoteJID, message.key.ID, message.key.fromMe = chat, last.id, last.from_me
    if last.author:
        message.key.participant = last.author


def _milliseconds(moment: datetime | None) -> int:
    return int(moment.timestamp() * 1000) if moment else 0
