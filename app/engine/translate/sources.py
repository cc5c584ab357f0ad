"""Who and where: addresses out of neonize's JIDs and message sources."""

from __future__ import annotations

from typing import Any

from app.engine.address import Address


def jid_text(jid: Any) -> str:
    """Returns "user@server", "" for an empty JID. The device number is left out."""
    return f"{jid.User}@{jid.Server}" if jid.User and jid.Server else ""


def address_of(*jids: Any) -> Address:
    """Returns the address that these JIDs of one party name together."""
    return Address.of(*(jid_text(jid) for jid in jids))


def chat_of(source: Any) -> Address:
    """Returns the conversation. For a person's it knows the number too, where WhatsApp told it.

    The number comes beside the LID: of the sender when receiving, of the recipient in a copy of
    what another own device sent.
    """
    chat = address_of(source.Chat)
    if chat.other:
        return chat
    other_name = source.RecipientAlt if source.IsFromMe else source.SenderAlt
    return address_of(source.Chat, other_name)


def sender_of(source: Any) -> Address:
    """Returns who wrote it: in a group the participant, for a copy of our own the account."""
    return address_of(source.Sender, source.SenderAlt)
