"""What an engine tells us. All times are aware and in UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from app.core.details import Said, text_of
from app.core.groups import GroupFacts
from app.core.media import FileFacts, RemoteFile
from app.engine.address import Address


@dataclass(frozen=True, slots=True)
class Text:
    """A plain text message. Never empty."""

    text: str


ON_THE_PHONE = "unavailable"
"""Kind of a message that is to be opened on the phone alone (view once)."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A message of a kind we cannot show yet.

    `kind` is WhatsApp's own name in snake case ("image", "poll_creation"); `text` is its caption
    or nearest equivalent, "" where there is none.
    """

    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """An image, video, audio, document or sticker. `text` is its caption, "" where it has none.

    `facts` are what the sender's program says. `remote` is None where it does not say where the
    file is.
    """

    facts: FileFacts
    text: str
    remote: RemoteFile | None


@dataclass(frozen=True, slots=True)
class Detailed:
    """A place, contact cards or a poll. `kind` is one of core.details."""

    kind: str
    said: Said

    @property
    def text(self) -> str:
        """What a list shows of it; "" where it says nothing in words."""
        return text_of(self.said)


class Change(StrEnum):
    """What an Amendment does."""

    REACTION = "reaction"
    EDIT = "edit"
    DELETION = "delete"
    VOTE = "vote"


@dataclass(frozen=True, slots=True)
class SealedVote:
    """A vote in a poll that only those who have the poll's secret can read (engine.poll_votes).

    `at` is when it was given, by the clock of who gave it; None where that is not told.
    """

    iv: bytes
    payload: bytes
    at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenVote:
    """A vote that the phone's history tells beside its poll: `hashes` are those of the options."""

    voter: Address
    from_me: bool
    hashes: tuple[bytes, ...]
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Amendment:
    """Something about an earlier message of the chat, WhatsApp's id of which is `target`.

    `text`: the emoji of a reaction, "" to take it back; what an edit puts in the place of the text
    or caption; "" for a deletion and for a vote, which is `vote`.
    """

    kind: Change
    target: str
    text: str = ""
    vote: SealedVote | None = None


@dataclass(frozen=True, slots=True)
class Quoted:
    """The message that another one answers, as the sender's program tells it: `kind` and `text` as
    of the contents above."""

    id: str
    author: Address
    kind: str
    text: str


Content: TypeAlias = Text | File | Detailed | Amendment | Unsupported


@dataclass(frozen=True, slots=True)
class Connected:
    """Logged in and active: messages can be sent."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection dropped. The engine reconnects by itself, with growing pauses."""


@dataclass(frozen=True, slots=True)
class KeepAliveTimeout:
    """WhatsApp did not answer a keep-alive; `errors` in a row, the last answer at `last_success`.

    After three minutes of this the engine reconnects by itself.
    """

    errors: int
    last_success: datetime | None


@dataclass(frozen=True, slots=True)
class KeepAliveRestored:
    """WhatsApp answers again after a KeepAliveTimeout."""


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """The link is gone for good and its keys are deleted; pair again.

    `reason` is a slug: phone_logged_out, account_gone or refused_by_whatsapp. `on_connect` tells a
    refusal at login from a removal while connected.
    """

    reason: str
    on_connect: bool


@dataclass(frozen=True, slots=True)
class StreamReplaced:
    """Another process opened the same session. The engine does not reconnect."""


@dataclass(frozen=True, slots=True)
class TemporaryBan:
    """WhatsApp restricted the account. No reconnect.

    `code` is WhatsApp's word for why, "unknown" for one the engine does not know; then it does not
    tell the end either.
    """

    code: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClientOutdated:
    """WhatsApp refuses this version of the engine. No reconnect."""


@dataclass(frozen=True, slots=True)
class ConnectFailure:
    """WhatsApp refused the login for another reason. No reconnect.

    `code` is WhatsApp's number, "unknown" where the engine did not tell it.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class StreamError:
    """WhatsApp ended the stream with a code; Disconnected and Connected follow."""

    code: str


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The engine stopped delivering events although nobody closed the session: open it again."""

    detail: str


class ReceiptKind(StrEnum):
    """What a receipt says. INACTIVE is a delivery too: to a device nobody looks at."""

    DELIVERED = "delivered"
    INACTIVE = "inactive"
    READ = "read"
    PLAYED = "played"
    READ_SELF = "read_self"
    PLAYED_SELF = "played_self"
    SENDER = "sender"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message arrived, or was sent from the phone or another linked device (`from_me`).

    `push_name` is what the sender calls himself, "" if not told; `secret` opens a poll's votes.
    """

    id: str
    chat: Address
    sender: Address
    from_me: bool
    is_group: bool
    timestamp: datetime
    push_name: str
    content: Content
    quoted: Quoted | None = None
    forwarded: int = 0  # how often it was passed on
    mentions: tuple[Address, ...] = ()
    secret: bytes | None = field(default=None, repr=False)
    votes: tuple[OpenVote, ...] = ()  # of a poll of the history
    heard: ReceiptKind | None = None  # of one of ours in the history


@dataclass(frozen=True, slots=True)
class MessageUndecryptable:
    """A message arrived that cannot be read yet; the sender is asked to send it again.

    If that works, a MessageReceived with the same id follows. `unavailable` means that WhatsApp
    sent no content for linked devices at all (view-once media, for example): open it on the phone.
    """

    id: str
    chat: Address
    sender: Address
    is_group: bool
    timestamp: datetime
    push_name: str
    unavailable: bool


@dataclass(frozen=True, slots=True)
class ReceiptReceived:
    """`sender`'s device reports on our messages `ids` in `chat`; one comes from each device.

    READ_SELF and PLAYED_SELF: the owner did so on another device, in `chat`. SENDER: another own
    device has the message. RETRY: a device could not read it; the engine sends it again.
    """

    kind: ReceiptKind
    ids: tuple[str, ...]
    chat: Address
    sender: Address
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class PushNames:
    """Names that people gave themselves, as the phone knew them."""

    names: tuple[tuple[Address, str], ...]


@dataclass(frozen=True, slots=True)
class HistoryChat:
    """One chat of the phone's history. `messages` are newest first; the newest `unread` of those
    that others wrote are unread on the phone."""

    chat: Address
    name: str
    unread: int
    messages: tuple[MessageReceived, ...]


@dataclass(frozen=True, slots=True)
class HistoryReceived:
    """A part of the phone's history, sent once after pairing."""

    chats: tuple[HistoryChat, ...]


@dataclass(frozen=True, slots=True)
class CallOffered:
    """Somebody calls, and the phone rings. A device that was away may hear of it late: `timestamp`
    is when it began. `video` is None where WhatsApp did not tell."""

    id: str
    caller: Address
    timestamp: datetime
    is_group: bool
    video: bool | None


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A call does not ring any more: hung up, or answered or rejected on another device."""

    id: str


@dataclass(frozen=True, slots=True)
class GroupJoined:
    """The account is in a group that is new to it."""

    facts: GroupFacts


@dataclass(frozen=True, slots=True)
class GroupChanged:
    """Something about a group changed: `by` did it, an empty address where nobody is named.

    `by_link`: those who `joined` came by an invite link. None means unchanged.
    """

    group: Address
    by: Address
    timestamp: datetime
    joined: tuple[Address, ...] = ()
    left: tuple[Address, ...] = ()
    promoted: tuple[Address, ...] = ()
    demoted: tuple[Address, ...] = ()
    by_link: bool = False
    name: str | None = None
    description: str | None = None
    only_admins_write: bool | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class PictureChanged:
    """Somebody, a group or the account itself has another picture, or none any more (`removed`).
    `by`: who changed that of a group, empty where nobody is named."""

    whose: Address
    by: Address
    timestamp: datetime
    removed: bool


@dataclass(frozen=True, slots=True)
class BlocklistChanged:
    """Another device of the account has blocked or unblocked somebody."""


@dataclass(frozen=True, slots=True)
class ChatStateChanged:
    """Somebody types in a chat, records (`audio`), or no more. `at`: when it came here."""

    chat: Address
    sender: Address
    composing: bool
    audio: bool
    at: datetime


Event: TypeAlias = (
    Connected
    | Disconnected
    | KeepAliveTimeout
    | KeepAliveRestored
    | LoggedOut
    | StreamReplaced
    | TemporaryBan
    | ClientOutdated
    | ConnectFailure
    | StreamError
    | SessionEnded
    | MessageReceived
    | MessageUndecryptable
    | ReceiptReceived
    | PushNames
    | HistoryReceived
    | CallOffered
    | CallEnded
    | GroupJoined
    | GroupChanged
    | PictureChanged
    | BlocklistChanged
    | ChatStateChanged
)
