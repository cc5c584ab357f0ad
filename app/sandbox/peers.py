"""Messages between a phone and its own companions that no person sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.sandbox.world import Endpoint

if TYPE_CHECKING:
    from app.sandbox.phone import Phone


def receive(phone: Phone, sender: Endpoint, message: Any) -> None:
    """Write a companion's request into the journal."""
    phone.network.journal.append(
        "peer",
        phone.account.number,
        device=sender.device,
        type=message.protocolMessage.Type.Name(message.protocolMessage.type),
    )
