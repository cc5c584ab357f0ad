"""What can go wrong at the seam, each with a stable slug, and what it means for a message.

The engine reports errors as sentences; the table below is made of whatsmeow's (errors.go, send.go).
"""

from __future__ import annotations

import re
from dataclasses import dataclass


class EngineError(Exception):
    """Something the engine could not do.

    slug: stable, for rows and people's words. permanent: trying again will not help.
    may_have_left: a message may be on its way although this was raised, so it is unconfirmed and
    must not be sent again by itself; when False it certainly was not accepted.
    """

    def __init__(
        self, slug: str, detail: str = "", *, permanent: bool = False, may_have_left: bool = False
    ) -> None:
        super().__init__(f"{slug}: {detail}" if detail else slug)
        self.slug = slug
        self.detail = detail
        self.permanent = permanent
        self.may_have_left = may_have_left


class NetworkUnreachable(EngineError):
    """WhatsApp, or the proxy on the way to it, cannot be reached."""

    def __init__(self, detail: str = "") -> None:
        super().__init__("network_unreachable", detail)


class KeysMissing(EngineError):
    """The key store has no device of that JID: logged out, or the file is lost. Pair again."""

    def __init__(self, detail: str = "") -> None:
        super().__init__("keys_missing", detail, permanent=True)


class LinkEnded(KeysMissing):
    """The engine deleted the device's keys: WhatsApp refused them, or the phone removed the device,
    and no event told. Pair again."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.slug = "link_ended"


class NoAnswer(EngineError):
    """WhatsApp did not answer in time, or what it sends is not taken: the session is dead."""

    def __init__(self, detail: str = "") -> None:
        super().__init__("no_answer", detail)


class KeyStoreUnwritable(EngineError):
    """Keys cannot be written, so nothing is sent: a message's id could not be found again."""

    def __init__(self, detail: str = "") -> None:
        super().__init__("key_store_unwritable", detail)


class NotConnected(EngineError):
    """The session is not open or has no connection; nothing left this machine."""

    def __init__(self, detail: str = "") -> None:
        super().__init__("not_connected", detail)


class UploadFailed(EngineError):
    """WhatsApp's media host did not take a file: the message has not left."""

    def __init__(self, detail: str = "") -> None:
        super().__init__("upload_failed", detail)


@dataclass(frozen=True)
class _Rule:
    pattern: str
    slug: str
    permanent: bool = False
    may_have_left: bool = False


# In order. What fails before the message's node reaches the socket has not left; what comes after
# (time-out, a dropped connection, the bare "websocket not connected" of a retry) may have.
_RULES = (
    _Rule(r"^no LID found for", "not_on_whatsapp", permanent=True),
    _Rule(r"^timed out waiting for message send response", "timed_out", may_have_left=True),
    _Rule(
        r'^server returned error updating app state.*code="(409|429|5\d\d)"', "app_state_not_taken"
    ),
    _Rule(r"^server returned error updating app state", "app_state_refused", permanent=True),
    _Rule(r"^(no app state keys found|failed to get app state key)", "app_state_keys_missing"),
    _Rule(r"^server returned error 5\d\d", "server_error"),
    _Rule(r"^server returned error", "server_error", permanent=True),
    _Rule(r"^failed to send message node: websocket not connected", "not_connected"),
    _Rule(r"^failed to send message node", "connection_lost", may_have_left=True),
    _Rule(r"^failed to (get|fetch|prefetch) .*websocket not connected", "not_connected"),
    _Rule(r"does not have a profile picture|has hidden their profile picture", "no_picture", True),
    _Rule(r"^info query returned status 429", "too_many_questions"),
    _Rule(
        r"you're not participating in that group|that group does not exist", "not_in_group", True
    ),
    _Rule(
        r"don't have the permission to get the group|^info query returned status 40[13]",
        "not_allowed",
        True,
    ),
    _Rule(r"^info query returned status 406", "bad_name", permanent=True),
    _Rule(r"^failed to (get user info|get device list|fetch LID|get group)", "lookup_failed"),
    _Rule(r"^failed to get LID for", "key_store_unwritable"),
    _Rule(r"^failed to (prefetch|save cached) sessions", "key_store_unwritable"),
    _Rule(r"^message recipient must be|^can't send message to", "bad_address", permanent=True),
    _Rule(r"^client is nil|^the store doesn't contain", "not_connected"),
    _Rule(r"^can't send presence without PushName", "push_name_unknown"),
    _Rule(r"^websocket", "connection_lost", may_have_left=True),
)


def upload_error(text: str) -> EngineError:
    """Returns the error that the engine's sentence about an upload stands for; none of them lets
    anything have left."""
    error = engine_error(text)
    not_connected = isinstance(error, NotConnected) or "websocket not connected" in text
    return NotConnected(text) if not_connected else UploadFailed(text)


def engine_error(text: str) -> EngineError:
    """Returns the error that the engine's sentence stands for.

    An unknown sentence becomes "engine_error", which counts as "may have left".
    A refusal carries WhatsApp's number in its slug: server_error_463.
    """
    for rule in _RULES:
        if re.search(rule.pattern, text):
            break
    else:
        return EngineError("engine_error", text, may_have_left=True)
    if rule.slug == "not_connected":
        return NotConnected(text)
    if rule.slug == "key_store_unwritable":
        return KeyStoreUnwritable(text)
    number = re.search(r"\d+", text) if rule.slug == "server_error" else None
    slug = f"{rule.slug}_{number.group()}" if number else rule.slug
    return EngineError(slug, text, permanent=rule.permanent, may_have_left=rule.may_have_left)
