"""What a phone remembers from before it was linked, as it sends it to a new companion.

First come the newest messages of every chat, then the older ones, then how people call themselves,
each in a file of its own on the media host.
Source: whatsmeow, message.go (handleHistorySyncNotification); WAWebProtobufsHistorySync.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from app.sandbox.media import crypto, tickets
from app.sandbox.protos import E2EMessage, HistorySync
from app.sandbox.wire.jid import GROUP_SERVER, JID, USER_SERVER
from app.sandbox.world import Account, lid_of

if TYPE_CHECKING:
    from app.sandbox.network import Network

KEYS = "WhatsApp History Keys"
FIRST = 10
"""Messages of each chat that come at once."""
_READ = 4  # WebMessageInfo.Status


@dataclass(frozen=True, slots=True)
class PastMessage:
    """A text of long ago. `at` is in seconds; `author` is a number, who wrote it."""

    id: str
    author: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class PastChat:
    """A chat with a number, or the group of this JID; messages oldest first."""

    other: str
    name: str
    unread: int
    messages: tuple[PastMessage, ...]

    def dump(self) -> dict[str, Any]:
        """Return it JSON-able."""
        return asdict(self)

    @classmethod
    def load(cls, data: dict[str, Any]) -> PastChat:
        """Return the chat that `dump` described."""
        messages = tuple(PastMessage(**one) for one in data["messages"])
        return cls(data["other"], data["name"], data["unread"], messages)

    @property
    def jid(self) -> JID:
        """The address of the chat: people's is their LID."""
        return JID.parse(self.other) if self.is_group else lid_of(self.other)

    @property
    def is_group(self) -> bool:
        """Whether it is a group's."""
        return self.other.endswith(f"@{GROUP_SERVER}")


def chunks(network: Network, account: Account, chats: Sequence[PastChat]) -> Iterator[Any]:
    """The HistorySync messages that tell `chats`, in the order a phone sends them."""
    if not chats:
        return
    yield _chunk(HistorySync.INITIAL_BOOTSTRAP, account, chats, slice(-FIRST, None))
    if any(len(chat.messages) > FIRST for chat in chats):
        yield _chunk(HistorySync.RECENT, account, chats, slice(None, -FIRST))
    yield _push_names(network, account, chats)


def notification(network: Network, account: Account, chunk: Any, order: int) -> bytes:
    """Put a chunk on the media host; returns the message that tells a companion where it is."""
    with network.media.draft() as draft:
        packed = io.BytesIO(zlib.compress(chunk.SerializeToString()))
        with draft.open("wb") as into:
            seal = crypto.seal(packed, into, KEYS)
        name = tickets.name_of(seal.enc_sha256)
        network.media.keep(draft, name)
    message = E2EMessage()
    protocol = message.protocolMessage
    protocol.type = protocol.HISTORY_SYNC_NOTIFICATION
    told = protocol.historySyncNotification
    told.fileSHA256, told.fileEncSHA256 = seal.sha256, seal.enc_sha256
    told.fileLength, told.mediaKey = seal.length, seal.key
    told.directPath = network.tickets.link(name, account.number)
    told.syncType, told.chunkOrder = chunk.syncType, order
    return bytes(message.SerializeToString())


def _chunk(kind: int, account: Account, chats: Sequence[PastChat], part: slice) -> Any:
    chunk = HistorySync(syncType=kind)
    for chat in chats:
        messages = chat.messages[part]
        if not messages:
            continue
        told = chunk.conversations.add(ID=str(chat.jid), name=chat.name, unreadCount=chat.unread)
        if not chat.is_group:
            told.pnJID, told.lidJID = str(JID(chat.other, USER_SERVER)), str(chat.jid)
        for message in reversed(messages):
            _write(told.messages.add().message, account, chat, message)
    for number in _people(chats):
        chunk.phoneNumberToLidMappings.add(
            pnJID=str(JID(number, USER_SERVER)), lidJID=str(lid_of(number))
        )
    return chunk


def _write(info: Any, account: Account, chat: PastChat, message: PastMessage) -> None:
    is_own = message.author == account.number
    info.key.remoteJID, info.key.fromMe, info.key.ID = str(chat.jid), is_own, message.id
    info.message.conversation, info.messageTimestamp = message.text, message.at
    if is_own:
        info.status = _READ
    elif chat.is_group:
        info.key.participant = info.participant = str(lid_of(message.author))


def _push_names(network: Network, account: Account, chats: Sequence[PastChat]) -> Any:
    chunk = HistorySync(syncType=HistorySync.PUSH_NAME)
    for number in _people(chats):
        if number in network.accounts and number != account.number:
            name = network.accounts[number].name
            chunk.pushnames.add(ID=str(JID(number, USER_SERVER)), pushname=name)
    return chunk


def _people(chats: Sequence[PastChat]) -> list[str]:
    """The numbers of all who have a chat, or wrote in one."""
    found = {chat.other for chat in chats if not chat.is_group}
    return sorted(found | {message.author for chat in chats for message in chat.messages})
