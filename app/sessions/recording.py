"""What an engine's event means for the database. Runs inside the transaction of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import singledispatchmethod

import structlog

from app.core.chat_states import Composing
from app.core.states import MessageStatus
from app.engine.address import Address
from app.engine.events import (
    ON_THE_PHONE,
    Amendment,
    BlocklistChanged,
    CallEnded,
    CallOffered,
    Change,
    ChatStateChanged,
    Content,
    Detailed,
    Event,
    File,
    GroupChanged,
    GroupJoined,
    HistoryChat,
    HistoryReceived,
    MessageReceived,
    MessageUndecryptable,
    PictureChanged,
    PushNames,
    Quoted,
    ReceiptKind,
    ReceiptReceived,
    Text,
)
from app.models import Chat, LinkedAccount
from app.models.message import TEXT
from app.services import (
    amendments,
    arrivals,
    calls,
    chat_states,
    chats,
    group_changes,
    groups,
    media,
    profile_pictures,
    receipts,
)
from app.services.group_changes import GroupChange
from app.services.people_names import Who
from app.services.quotes import ArrivedQuote
from app.sessions import voting
from app.sessions.reading import News

log = structlog.get_logger(__name__)

EarlyReceipts = Callable[[set[str], MessageStatus, datetime, Who], None]
EarlyAmendments = Callable[[MessageReceived, str], None]

_LIFTS = {
    ReceiptKind.SENDER: MessageStatus.SENT,  # what our own phone has, WhatsApp has accepted
    ReceiptKind.DELIVERED: MessageStatus.DELIVERED,
    ReceiptKind.INACTIVE: MessageStatus.DELIVERED,
    ReceiptKind.READ: MessageStatus.READ,
    ReceiptKind.PLAYED: MessageStatus.PLAYED,
}
_READ_HERE = {ReceiptKind.READ_SELF, ReceiptKind.PLAYED_SELF}


class Recorder:
    """Writes what happened to one account: messages, receipts, history, names.

    Receipts and amendments for ids that no message has yet go to `early` and `early_amendment`.
    `incoming` collects what
    people wrote: the outbox leaves their chats a moment, and it may have to be marked as read.
    `has_calls`: one came that is to be rejected. `unknown_groups`: those of which
    something is unknown here. `others_are_blocked`: than before.
    """

    def __init__(
        self,
        account: LinkedAccount,
        early: EarlyReceipts,
        early_amendment: EarlyAmendments,
        *,
        rejects_calls: bool = False,
    ) -> None:
        self._account = account
        self._early = early
        self._early_amendment = early_amendment
        self._rejects_calls = rejects_calls
        self.incoming: list[News] = []
        self.has_calls = False
        self.unknown_groups: set[str] = set()
        self.others_are_blocked = False

    @singledispatchmethod
    def record(self, event: Event) -> None:
        """Writes down what `event` says about messages; other events say nothing about them."""

    @record.register
    def _(self, event: MessageReceived) -> None:
        is_peer = not event.from_me and not event.is_group
        chat = self._chat(event.chat, name=_plain(event.push_name) if is_peer else "")
        if chat is None:
            return
        if isinstance(event.content, Amendment):
            if not _amend(event, event.content, chat, is_news=True):
                self._early_amendment(event, event.content.target)
            return
        arrivals.store(_arrival(event, chat))
        if not event.from_me:
            chat_states.over(chat)
            self.incoming.append(
                News(chat.id, event.id, _answer_to(event.chat), _answer_to(event.sender))
            )

    @record.register
    def _(self, event: MessageUndecryptable) -> None:
        """The sender is asked to send it again, and then it arrives under the same id; what is
        meant for the phone alone never does, so its place is kept."""
        log.warning("message.undecryptable", wa_id=event.id, unavailable=event.unavailable)
        chat = self._chat(event.chat) if event.unavailable else None
        if chat is not None:
            arrivals.store(_placeholder(event, chat))

    @record.register
    def _(self, event: ReceiptReceived) -> None:
        if event.kind in _READ_HERE:
            chat = self._chat(event.chat)
            if chat is not None:
                chats.mark_read(chat)
        elif event.kind in _LIFTS:
            said = _LIFTS[event.kind], event.timestamp, _who(event.sender)
            unknown = receipts.heard(self._account, event.ids, *said)
            if unknown:
                self._early(unknown, *said)

    @record.register
    def _(self, event: HistoryReceived) -> None:
        for part in event.chats:
            chat = self._chat(part.chat, name=_plain(part.name))
            if chat is not None:
                _store_past(part, chat)

    @record.register
    def _(self, event: PushNames) -> None:
        for address, name in event.names:
            chats.name_person(
                self._account, phone=address.number, lid=_user(address.lid), name=_plain(name)
            )

    @record.register
    def _(self, event: CallOffered) -> None:
        offer = calls.Offer(
            wa_id=_plain(event.id),
            phone=event.caller.number,
            lid=_user(event.caller.lid),
            is_group=event.is_group,
            video=event.video,
            at=event.timestamp,
        )
        if calls.offered(self._account, offer, reject=self._rejects_calls):
            self.has_calls = True

    @record.register
    def _(self, event: CallEnded) -> None:
        calls.ended(self._account, _plain(event.id))

    @record.register
    def _(self, event: GroupJoined) -> None:
        groups.learn(self._account, event.facts)

    @record.register
    def _(self, event: GroupChanged) -> None:
        change = _group_change(event)
        group_changes.apply(self._account, change)
        if change.joined:  # by LID alone: their numbers are in the list of members
            self.unknown_groups.add(change.group_id)

    @record.register
    def _(self, event: PictureChanged) -> None:
        group_id = _user(event.whose.other) if event.whose.is_group else None
        who, removed = _who(event.whose), event.removed
        profile_pictures.changed(self._account, who, group_id=group_id, removed=removed)
        if group_id is not None:
            by, at = _who(event.by), event.timestamp
            change = GroupChange(group_id=group_id, by=by, at=at, has_picture=not removed)
            group_changes.apply(self._account, change)

    @record.register
    def _(self, event: BlocklistChanged) -> None:
        self.others_are_blocked = True

    @record.register
    def _(self, event: ChatStateChanged) -> None:
        doing = Composing.AUDIO if event.audio else Composing.TEXT
        chat_states.heard(
            self._account,
            doing if event.composing else None,
            event.at,
            phone=event.chat.number,
            lid=_user(event.chat.lid),
            group_id=_user(event.chat.other),
        )

    def _chat(self, address: Address, *, name: str = "") -> Chat | None:
        """The chat with `address`; None for status updates and channels, which are no chats."""
        if address.is_group:
            chat = chats.group(self._account, str(_user(address.other)), name=name)
            if chat.group_known_at is None:
                self.unknown_groups.add(str(chat.group_id))
            return chat
        if address.phone or address.lid:
            return chats.person(
                self._account, phone=address.number, lid=_user(address.lid), name=name
            )
        return None


def _store_past(part: HistoryChat, chat: Chat) -> None:
    """A chat as the phone knew it. What is unread there is unread here, unless it is older than
    what was here before: then somebody has seen it."""
    last = chat.last_at if chat.last_kind else None
    others = [message.id for message in part.messages if not message.from_me]
    unread = set(others[: part.unread])
    for message in reversed(part.messages):  # they come newest first
        if isinstance(message.content, Amendment):
            _amend(message, message.content, chat, is_news=False)
            continue
        stored = arrivals.store(_arrival(message, chat), is_news=False)
        if stored and message.id in unread and (last is None or message.timestamp >= last):
            chats.count_unread(chat)
        _keep_votes(message, chat)


def _amend(event: MessageReceived, said: Amendment, chat: Chat, *, is_news: bool) -> bool:
    """Whether there is the message that it is about; without it nothing happens."""
    target = amendments.target_of(chat, said.target)
    if target is None:
        log.info("amendment.of_nothing", wa_id=event.id, kind=said.kind)
        return False
    sender = event.sender
    author = amendments.Author(
        event.from_me, sender.number, _user(sender.lid), _plain(event.push_name)
    )
    if said.kind is Change.REACTION:
        amendments.react(target, author, _plain(said.text), event.timestamp, is_news=is_news)
    elif said.vote is not None:
        voting.record(event, said.vote, target, author, is_news=is_news)
    elif said.kind is Change.EDIT:
        named = _named(event)
        amendments.edit(
            target, author, _plain(said.text), event.timestamp, mentions=named, is_news=is_news
        )
    else:
        amendments.remove(target, author, event.timestamp, is_news=is_news)
    return True


def _keep_votes(event: MessageReceived, chat: Chat) -> None:
    """What the history tells beside a poll of the votes in it."""
    poll = amendments.target_of(chat, event.id) if event.votes else None
    if poll is None:
        return
    for vote in event.votes:
        author = amendments.Author(vote.from_me, vote.voter.number, _user(vote.voter.lid))
        voting.record_told(poll, author, vote)


def _arrival(event: MessageReceived, chat: Chat) -> arrivals.Arrival:
    content = event.content
    return arrivals.Arrival(
        wa_id=event.id,
        chat=chat,
        from_me=event.from_me,
        kind=_kind_of(content),
        text=_plain(content.text),
        file=_arrived(content) if isinstance(content, File) else None,
        said=content.said if isinstance(content, Detailed) else None,
        forwarded=event.forwarded,
        mentions=_named(event),
        at=event.timestamp,
        sender_phone=event.sender.number,
        sender_lid=_user(event.sender.lid),
        sender_name=_plain(event.push_name),
        quote=_quote(event.quoted) if event.quoted else None,
        secret=event.secret,
        status=_LIFTS[event.heard] if event.heard else None,
    )


def _group_change(event: GroupChanged) -> GroupChange:
    return GroupChange(
        group_id=str(_user(event.group.other)),
        by=_who(event.by),
        at=event.timestamp,
        joined=tuple(map(_who, event.joined)),
        left=tuple(map(_who, event.left)),
        promoted=tuple(map(_who, event.promoted)),
        demoted=tuple(map(_who, event.demoted)),
        by_link=event.by_link,
        name=event.name,
        description=event.description,
        only_admins_write=event.only_admins_write,
        deleted=event.deleted,
    )


def _named(event: MessageReceived) -> tuple[Who, ...]:
    return tuple(filter(any, map(_who, event.mentions)))


def _who(address: Address) -> Who:
    return address.number, _user(address.lid)


def _quote(quoted: Quoted) -> ArrivedQuote:
    return ArrivedQuote(
        wa_id=_plain(quoted.id),
        author_phone=quoted.author.number,
        author_lid=_user(quoted.author.lid),
        kind=_plain(quoted.kind),
        text=_plain(quoted.text),
    )


def _kind_of(content: Content) -> str:
    if isinstance(content, File):
        return content.facts.kind.value
    return TEXT if isinstance(content, Text) else content.kind


def _arrived(content: File) -> media.ArrivedFile:
    facts = content.facts
    plain = replace(facts, file_name=_plain(facts.file_name), mime=_plain(facts.mime))
    return media.ArrivedFile(plain, content.remote)


def _placeholder(event: MessageUndecryptable, chat: Chat) -> arrivals.Arrival:
    return arrivals.Arrival(
        wa_id=event.id,
        chat=chat,
        from_me=False,
        kind=ON_THE_PHONE,
        text="",
        at=event.timestamp,
        sender_phone=event.sender.number,
        sender_lid=_user(event.sender.lid),
        sender_name=_plain(event.push_name),
    )


def _plain(text: str) -> str:
    """`text` without NUL characters: anybody can send one, and PostgreSQL stores none."""
    return text.replace("\0", "")


def _answer_to(address: Address) -> str:
    """The JID that a receipt for `address` goes to."""
    return address.lid or address.jid


def _user(jid: str | None) -> str | None:
    return jid.partition("@")[0] if jid else None
