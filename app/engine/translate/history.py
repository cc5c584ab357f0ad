"""The phone's history, sent after pairing: chats with their messages, and names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from app.engine.address import Address
from app.engine.events import (
    Event,
    HistoryChat,
    HistoryReceived,
    MessageReceived,
    OpenVote,
    PushNames,
    ReceiptKind,
)
from app.engine.raw import HISTORY, RawEvent
from app.engine.translate.contents import content_of
from app.engine.translate.contents.polls import moment_of
from app.engine.translate.poll_secrets import poll_secret
from app.engine.translate.quoting import forwarded_in, mentions_in, quoted_in

# WebMessageInfo.Status of a message of ours: DELIVERY_ACK, READ, PLAYED.
_HEARD = {3: ReceiptKind.DELIVERED, 4: ReceiptKind.READ, 5: ReceiptKind.PLAYED}


def _history(message: Any, raw: RawEvent) -> list[Event]:
    data = message.Data
    numbers = {mapping.lidJID: mapping.pnJID for mapping in data.phoneNumberToLidMappings}
    events: list[Event] = []
    names = tuple((_address(entry.ID, numbers), entry.pushname) for entry in data.pushnames)
    if names:
        events.append(PushNames(names))
    chats = tuple(_chat(conversation, numbers) for conversation in data.conversations)
    if chats:
        events.append(HistoryReceived(chats))
    return events


def _chat(conversation: Any, numbers: dict[str, str]) -> HistoryChat:
    chat = Address.of(
        conversation.ID, conversation.pnJID, conversation.lidJID, numbers.get(conversation.ID)
    )
    found = (_message(item.message, chat, numbers) for item in conversation.messages)
    return HistoryChat(
        chat=chat,
        name=conversation.name,
        unread=conversation.unreadCount,
        messages=tuple(message for message in found if message is not None),
    )


def _message(info: Any, chat: Address, numbers: dict[str, str]) -> MessageReceived | None:
    content = content_of(info.message) if info.HasField("message") else None
    if content is None:
        return None
    participant = info.participant or info.key.participant
    sender = _address(participant, numbers) if participant else chat
    return MessageReceived(
        id=info.key.ID,
        chat=chat,
        # History does not name the account itself; who asks knows it by from_me.
        sender=Address() if info.key.fromMe else sender,
        from_me=info.key.fromMe,
        is_group=chat.is_group,
        timestamp=datetime.fromtimestamp(info.messageTimestamp, UTC),
        push_name=info.pushName,
        content=content,
        quoted=quoted_in(info.message),
        forwarded=forwarded_in(info.message),
        mentions=mentions_in(info.message),
        secret=poll_secret(content, info.message, info.messageSecret),
        votes=tuple(_vote(update, chat, numbers) for update in info.pollUpdates),
        heard=_HEARD.get(info.status) if info.key.fromMe else None,
    )


def _vote(update: Any, chat: Address, numbers: dict[str, str]) -> OpenVote:
    key = update.pollUpdateMessageKey
    voter = _address(key.participant, numbers) if key.participant else chat
    return OpenVote(
        voter=Address() if key.fromMe else voter,
        from_me=key.fromMe,
        hashes=tuple(update.vote.selectedOptions),
        at=moment_of(update.senderTimestampMS),
    )


def _address(jid: str, numbers: dict[str, str]) -> Address:
    return Address.of(jid, numbers.get(jid))


TRANSLATORS: dict[str, Callable[[Any, RawEvent], list[Event]]] = {HISTORY: _history}
