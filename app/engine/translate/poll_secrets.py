"""The secret that a poll brings: whoever has it reads the votes."""

from __future__ import annotations

from typing import Any

from app.core.details import POLL
from app.engine.events import Content, Detailed
from app.engine.translate.contents import inner

_BYTES = 32


def poll_secret(content: Content, message: Any, *others: bytes) -> bytes | None:
    """Returns the secret of a poll: what stands beside its wrapper or beside itself in WhatsApp's
    Message, else one of `others`. None of anything but a poll."""
    if not isinstance(content, Detailed) or content.kind != POLL:
        return None
    told = (message.messageContextInfo, inner(message).messageContextInfo)
    secrets = (*(context.messageSecret for context in told), *others)
    return next((bytes(secret) for secret in secrets if len(secret) == _BYTES), None)
