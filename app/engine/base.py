"""What a WhatsApp engine is to the rest of the product: the narrow protocol every engine keeps.

Events do not come translated: a session hands over `RawEvent`s, which are cheap to write down, and
`Engine.translate` turns them into events later, in any thread or process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.core.chat_settings import Aspect, ChatSettings, LastMessage
from app.core.details import Said
from app.core.groups import GroupFacts, GroupMember, MemberAct
from app.core.media import FileFacts
from app.engine.address import Address
from app.engine.events import Change, Event, SealedVote
from app.engine.raw import RawEvent
from app.engine.reach import Typed

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

    store: a path, or a `postgresql://` URL without a driver suffix. proxy: an `http://`,
    `https://` or `socks5://` URL, None for the environment's or a direct connection; media goes
    the same way. typed: set where somebody typed the proxy in for this instance; then `start` also
    raises what `reach.check` finds wrong with it.
    """

    jid: str
    store: str
    proxy: str | None = field(default=None, repr=False)
    typed: Typed | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the account's WhatsApp knows; number or LID may be unknown, never both."""

    phone: str | None  # digits
    lid: str | None  # user part
    book_name: str = ""  # of the phone's address book
    push_name: str = ""  # what they call themselves
    business_name: str = ""  # of a business account that WhatsApp has verified


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A file to send. `read` gives all of its bytes, and is called once, when it is this file's
    turn: files are uploaded one at a time. `preview`: a JPEG of a few KB, None for none."""

    facts: FileFacts
    read: Callable[[], bytes] = field(repr=False)
    preview: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Quotation:
    """The message that one of ours answers: its id, the JID of who wrote it, and what of it is
    shown. `kind`: "text" or a kind of file."""

    id: str
    author: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Context:
    """What a message says about itself: what it answers, how often it was passed on (0: it is our
    own), and the JIDs of those who are named in it with an @."""

    quote: Quotation | None = None
    forwarded: int = 0
    mentions: tuple[str, ...] = ()


NO_CONTEXT = Context()


@dataclass(frozen=True, slots=True)
class Target:
    """The message that an amendment is about. `author`: the JID of who wrote it in a group, None
    for our own and in a chat of two."""

    id: str
    from_me: bool
    author: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A profile picture: WhatsApp's id for it, another one for each picture, and where its small
    form is, for some days."""

    id: str
    url: str


class PeopleCalls(Protocol):
    """What is asked about single people and groups. A method takes up to 75 s while WhatsApp does
    not answer, and raises EngineError."""

    def picture(self, jid: str) -> Picture | None:
        """Returns the profile picture of this JID; None where none is to be seen."""

    def block(self, jid: str) -> None:
        """Lets nothing of this person through any more, on any device of the account."""

    def unblock(self, jid: str) -> None:
        """Lets this person through again."""

    def blocked(self) -> list[str]:
        """Returns the JIDs of all whom the account has blocked, by LID or number."""


class GroupCalls(Protocol):
    """The groups of one linked account. A method takes up to 75 s while WhatsApp does not answer.

    Each raises EngineError; "not_in_group" where the account is not, or no more, a member, and
    "not_allowed" where only admins may.
    """

    def all(self) -> list[GroupFacts]:
        """Returns all groups that the account is in."""

    def one(self, group: str) -> GroupFacts:
        """Returns the group with this JID."""

    def create(self, name: str, people: Sequence[str]) -> GroupFacts:
        """Makes a group with the people of these JIDs."""

    def change(self, group: str, act: MemberAct, people: Sequence[str]) -> list[GroupMember]:
        """Does something with members, by JID, and returns what WhatsApp says of each."""

    def rename(self, group: str, name: str) -> None:
        """Gives the group another name."""

    def link(self, group: str, *, renew: bool = False) -> str:
        """Returns the link that invites to the group, a new one where `renew` is asked for."""

    def leave(self, group: str) -> None:
        """Leaves the group."""


class ChatStateCalls(Protocol):
    """Who types in the chats of one linked account. WhatsApp passes it on only between devices that
    are shown as online. Nothing here waits for an answer. Raises EngineError."""

    def tell(self, chat: str, *, composing: bool) -> None:
        """Shows the people of the chat (a JID) that the account types, or does not any more."""

    def follow(self, person: str) -> None:
        """Has WhatsApp tell, as long as this connection stands, when the person types."""


class ChatSettingsCalls(Protocol):
    """How one linked account keeps its chats, on all of its devices."""

    def tell(
        self,
        chat: str,
        aspect: Aspect,
        *,
        on: bool,
        until: datetime | None = None,
        last: LastMessage | None = None,
    ) -> None:
        """Keeps the chat (a JID) so on all devices of the account; archiving unpins it there, too.

        `until`: how long it is muted, None for good. `last`: its newest message, of which
        archiving and marking speak. Saying it again changes nothing. Takes up to 75 s while
        WhatsApp does not answer, and raises EngineError; "app_state_unsupported" where this engine
        cannot do it at all.
        """

    def known(self) -> list[ChatSettings]:
        """Returns what the devices of the account have said of chats so far, changes of the phone
        included. Raises EngineError."""

    def stamp(self) -> object:
        """Returns something that is another one once `known` may return something else. Cheap."""


class EngineSession(Protocol):
    """One linked account. Every method may be called from any thread and raises EngineError."""

    @property
    def groups(self) -> GroupCalls:
        """The account's groups."""

    @property
    def chat_states(self) -> ChatStateCalls:
        """Who types."""

    @property
    def people(self) -> PeopleCalls:
        """What is asked about single people."""

    @property
    def chat_settings(self) -> ChatSettingsCalls:
        """How chats are kept."""

    def start(self) -> None:
        """Connects; returns once the connection stands. Connected or a refusal comes as an event.

        Raises NetworkUnreachable and KeyStoreUnwritable (try again later), KeysMissing (pair again;
        LinkEnded when WhatsApp ended the link). After a first success the engine reconnects by
        itself.
        """

    def close(self) -> None:
        """Disconnects and frees the session; safe to call twice, and from an event's handler."""

    def logout(self) -> None:
        """Unlinks this device from the account, deletes its keys, and closes. No event follows."""

    def send_text(
        self, to: str, text: str, *, secret: bytes, context: Context = NO_CONTEXT
    ) -> Sent:
        """Sends `text` to the JID `to` and returns when WhatsApp has accepted it (up to 75 s).

        `secret`: 32 random bytes, kept by the caller beforehand; `find_sent_id` finds the message's
        id by them. `context`: what it answers and such. Sends of one session wait for each other.
        """

    def send_file(
        self,
        to: str,
        file: OutgoingFile,
        caption: str,
        *,
        secret: bytes,
        context: Context = NO_CONTEXT,
    ) -> Sent:
        """Uploads a file and sends it, as `send_text` does. What fails before the upload is over
        has not left; what `file.read` raises comes out as it is."""

    def send_details(
        self, to: str, said: Said, *, secret: bytes, context: Context = NO_CONTEXT
    ) -> Sent:
        """Sends a place, contact cards or a poll, as `send_text` does."""

    def send_amendment(
        self,
        to: str,
        kind: Change,
        text: str,
        target: Target,
        *,
        secret: bytes,
        mentions: Sequence[str] = (),
    ) -> Sent:
        """Sends a reaction ("" takes it back), an edit or a deletion, as `send_text` does.
        `mentions`: the JIDs of those whom the text of an edit names."""

    def send_vote(self, to: str, vote: SealedVote, target: Target, *, secret: bytes) -> Sent:
        """Sends a vote in the poll `target`, as `send_text` does."""

    def find_sent_id(self, secret: bytes) -> str | None:
        """Returns the id of the message with this secret, None if none ever left. Raises
        KeyStoreUnwritable while that cannot be told.

        An id means "may have gone". Works on a closed session too; not while a send with this
        secret is under way.
        """

    def check(self, seconds: float) -> None:
        """Asks WhatsApp something that the person does not notice, and waits `seconds` at most.

        Never waits for a send. Raises NotConnected, NoAnswer, KeyStoreUnwritable.
        """

    def mark_read(self, ids: Sequence[str], *, chat: str, sender: str) -> None:
        """Tells `sender` that these messages of `chat` were read. May take as long as a send."""

    def contacts(self) -> list[Person]:
        """Returns whom the account knows, by now and everybody once. Works on a closed session too.

        What the phone has just told may still be missing: nothing says when it is all there.
        """

    def lid_of(self, phone: str) -> str | None:
        """Asks WhatsApp for the LID (user part) of a number (digits); None: it is not registered.

        Takes up to 75 s while WhatsApp does not answer. Raises EngineError.
        """

    def reject_call(self, call_id: str, *, caller: str) -> None:
        """Declines a call of the JID `caller` that rings; one that is over stays so.

        Raises EngineError, NotConnected among them. Does not wait for WhatsApp's answer.
        """

    def set_available(self, available: bool) -> None:
        """Shows the account as online or not. Raises EngineError "push_name_unknown" too early."""


class Engine(Protocol):
    """A way to WhatsApp."""

    @property
    def opened(self) -> int:
        """How many connections were begun in this process, those that are closed by now too."""

    def open(self, request: OpenRequest, on_event: EventSink) -> EngineSession:
        """Returns a session, not connected yet. Raises KeysMissing when its keys are not there,
        LinkEnded when the engine has deleted them.

        `on_event` is called on a thread of the session, one event at a time: it must only write the
        event down and return, and must not raise.
        """

    def translate(self, raw: RawEvent) -> list[Event]:
        """Returns what a raw event means, often one event, [] for those that concern nobody."""
