"""Events of the connection and the link."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from app.engine.events import (
    ClientOutdated,
    Connected,
    ConnectFailure,
    Disconnected,
    Event,
    KeepAliveRestored,
    KeepAliveTimeout,
    LoggedOut,
    SessionEnded,
    StreamError,
    StreamReplaced,
    TemporaryBan,
)
from app.engine.raw import RawEvent

# whatsmeow, types/events: 401 and a removal while connected, 403, 406.
_LOGOUT_REASONS = {
    "LOGGED_OUT": "phone_logged_out",
    "MAIN_DEVICE_GONE": "account_gone",
    "UNKNOWN_LOGOUT": "account_gone",
}


def session_ended(detail: str) -> list[Event]:
    """Returns why the engine left a session.

    It leaves when it cannot encode an event (neonize, CallbackFunction), and the error names it:
    a refusal with a number that neonize does not know is still a refusal, not a reason to retry.
    """
    unencodable = re.search(r"required field neonize\.(\w+)\.", detail)
    match unencodable and unencodable.group(1):
        case "TemporaryBan":
            return [TemporaryBan("unknown", None)]
        case "ConnectFailure":
            return [ConnectFailure("unknown", detail)]
        case "LoggedOut":
            return [LoggedOut("phone_logged_out", on_connect=True)]
    return [SessionEnded(detail)]


def _logged_out(message: Any, raw: RawEvent) -> list[Event]:
    reason = _LOGOUT_REASONS.get(_enum_name(message, "Reason"), "phone_logged_out")
    return [LoggedOut(reason, message.OnConnect)]


def _temporary_ban(message: Any, raw: RawEvent) -> list[Event]:
    # WhatsApp tells how long it lasts from now on, in seconds.
    expires_at = raw.received_at + timedelta(seconds=message.Expire)
    return [TemporaryBan(_enum_name(message, "Code").lower(), expires_at)]


def _connect_failure(message: Any, raw: RawEvent) -> list[Event]:
    numbers = [attr.text for attr in message.Raw.Attrs if attr.name == "reason"]
    code = numbers[0] if numbers else _enum_name(message, "Reason").lower()
    return [ConnectFailure(code, message.Message)]


def _keep_alive_timeout(message: Any, raw: RawEvent) -> list[Event]:
    seconds = message.LastSuccess
    last_success = datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    return [KeepAliveTimeout(message.ErrorCount, last_success)]


def _stream_error(message: Any, raw: RawEvent) -> list[Event]:
    return [StreamError(message.Code)]


def _enum_name(message: Any, field: str) -> str:
    enum = message.DESCRIPTOR.fields_by_name[field].enum_type
    return str(enum.values_by_number[getattr(message, field)].name)


TRANSLATORS: dict[str, Callable[[Any, RawEvent], list[Event]]] = {
    "Connected": lambda message, raw: [Connected()],
    "Disconnected": lambda message, raw: [Disconnected()],
    "KeepAliveTimeout": _keep_alive_timeout,
    "KeepAliveRestored": lambda message, raw: [KeepAliveRestored()],
    "LoggedOut": _logged_out,
    "StreamReplaced": lambda message, raw: [StreamReplaced()],
    "TemporaryBan": _temporary_ban,
    "ConnectFailure": _connect_failure,
    "ClientOutdated": lambda message, raw: [ClientOutdated()],
    "StreamError": _stream_error,
}
