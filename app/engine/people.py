"""What a session asks or tells WhatsApp about one person or group (neonize; whatsmeow, user.go)."""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager
from typing import Any, Protocol

from app.engine import library
from app.engine.base import Picture
from app.engine.errors import EngineError

NO_PICTURE = "no_picture"


class _Live(Protocol):
    """Gives the client of an open session; `reads_store` for calls that must find it there."""

    def __call__(self, *, reads_store: bool = False) -> AbstractContextManager[Any]: ...


class NeonizePeople:
    """The people of one session. See `app.engine.base.PeopleCalls`."""

    def __init__(self, live: _Live) -> None:
        self._live = live

    def picture(self, jid: str) -> Picture | None:
        """Returns where a small picture is; None where none is to be seen. Raises EngineError."""
        small = importlib.import_module("neonize.proto.Neonize_pb2").GetProfilePictureParams
        try:
            with self._live() as client:
                found = client.get_profile_picture(library.jid_of(jid), small(Preview=True))
        except EngineError as error:
            if error.slug == NO_PICTURE:
                return None
            raise
        return Picture(str(found.ID), str(found.URL)) if found.URL else None

    def block(self, jid: str) -> None:
        """Blocks somebody. Raises EngineError."""
        self._change(jid, "BLOCK")

    def unblock(self, jid: str) -> None:
        """Hears from somebody again. Raises EngineError."""
        self._change(jid, "UNBLOCK")

    def blocked(self) -> list[str]:
        """Returns the JIDs of all who are blocked. Raises EngineError."""
        with self._live() as client:
            found = client.get_blocklist()
        return [f"{jid.User}@{jid.Server}" for jid in found.JIDs]

    def _change(self, jid: str, act: str) -> None:
        action = importlib.import_module("neonize.utils.enum").BlocklistAction[act]
        with self._live(reads_store=True) as client:
            client.update_blocklist(library.jid_of(jid), action)
