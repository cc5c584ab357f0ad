"""What a WhatsApp engine is to the rest of the product: the narrow protocol every engine keeps.

Events do not come translated: a session hands over `RawEvent`s, which are cheap to write down, and
`Engine.translate` turns them into events later, in any thread or process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.engine.address import Address
from app.engine.events import Event
from app.engine.raw import RawEvent

EventSink = Callable[[RawEvent], None]


@dataclass(frozen=True, slots=True)
class Sent:
    """WhatsApp accepted a message: its id, and the time WhatsApp gave it."""

    id: str
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """The account a session belongs to. `jid` carries the device number: "15551000001:3@…"."""

    jid: str
    address: Address
    push_name: str = ""
    platform: str = ""


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """Which session to open.

    store: a path, or a `postgresql://` URL without a driver suffix. proxy: an `http://` or
    `socks5://` URL, None for a direct connection.
    """

    jid: str
    store: str
    proxy: str | None = None


class EngineSession(Protocol):
    """One linked account. Every method may be called from any thread and raises EngineError."""

    def start(self) -> None:
        """Connects; returns once the connection stands. Connected or a refusal comes as an event.

        Raises NetworkUnreachable (try again later), KeysMissing (pair again). After a first success
        the engine reconnects by itself.
        """

    def close(self) -> None:
        """Disconnects and frees the session; safe to call twice, and from an event's handler."""

    def logout(self) -> None:
        """Unlinks this device from the account, deletes its keys, and closes. No event follows."""

    def send_text(self, to: str, text: str, *, secret: bytes) -> Sent:
        """Sends `text` to the JID `to` and returns when WhatsApp has accepted it (up to 75 s).

        `secret`: 32 random bytes, kept by the caller beforehand; `find_sent_id` finds the message's
        id by them. Sends of one session wait for each other.
        """

    def find_sent_id(self, secret: bytes) -> str | None:
        """Returns the id of the message with this secret, None if none ever left.

        An id means "may have gone". Works on a closed session too; not while a send with this
        secret is under way.
        """

    def mark_read(self, ids: Sequence[str], *, chat: str, sender: str) -> None:
        """Tells `sender` that these messages of `chat` were read. May take as long as a send."""

    def set_available(self, available: bool) -> None:
        """Shows the account as online or not. Raises EngineError "push_name_unknown" too early."""


class Engine(Protocol):
    """A way to WhatsApp."""

    def open(self, request: OpenRequest, on_event: EventSink) -> EngineSession:
        """Returns a session, not connected yet. Raises KeysMissing when its keys are not there.

        `on_event` is called on a thread of the session, one event at a time: it must only write the
        event down and return, and must not raise.
        """

    def translate(self, raw: RawEvent) -> list[Event]:
        """Returns what a raw event means, often one event, [] for those that concern nobody."""
