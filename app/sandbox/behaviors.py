"""How a contact reacts to a message: what makes an account silent, an echo, or slow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.sandbox import contents
from app.sandbox.world import Behavior, Endpoint

if TYPE_CHECKING:
    from app.sandbox.phone import Phone

ECHO_PREFIX = "Эхо: "


@dataclass(frozen=True, slots=True)
class Manner:
    """Seconds until the message is read and until it is answered."""

    read_after: float
    answer_after: float


# The answer leaves well after the sender is done with its own message: two opposite messages at
# one instant can make the engine lose one of them.
MANNERS: dict[Behavior, Manner | None] = {
    "silent": None,
    "echo": Manner(read_after=0.15, answer_after=0.4),
    "slow": Manner(read_after=3.0, answer_after=5.0),
}


def react(phone: Phone, sender: Endpoint, message_id: str, message: Any) -> None:
    """Read and answer a message as the account's behaviour says; delivery is already told."""
    manner = MANNERS[phone.account.behavior]
    text = contents.text_of(message)
    # Two echoes that heard each other would never stop.
    if manner is None or not text or text.startswith(ECHO_PREFIX):
        return
    loop = asyncio.get_running_loop()
    loop.call_later(manner.read_after, phone.read, sender.account, [message_id])
    loop.call_later(manner.answer_after, phone.send_text, sender.account, ECHO_PREFIX + text)
