"""How the phone keeps its chats, made true here. What is heard is compared with what was heard last
(PhoneSettings), so that only the phone's own changes count: not what is kept otherwise here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update

from app import bell, topics
from app.clock import utcnow
from app.core.chat_settings import Aspect, ChatSettings
from app.core.phones import GROUP_SERVER, LID_SERVER, PHONE_SERVER
from app.extensions import db
from app.models import Chat, LinkedAccount, PhoneSettings
from app.services import chat_wishes, chats
from app.transaction import hold, rows_changed

_TOGETHER = 300
_RUN_OUT_TOGETHER = 200


def news(
    account_id: str, told: Collection[ChatSettings]
) -> tuple[list[ChatSettings], list[ChatSettings]]:
    """Those of `told` that differ from what was heard last, and those about chats that are not
    here. What a chat is told of by LID comes last, so it counts at the first time."""
    changed: list[ChatSettings] = []
    strange: list[ChatSettings] = []
    now = utcnow()
    for part in _parts(sorted(told, key=_by_lid_last)):
        there = _chats(account_id, part)
        heard = _heard(set(there.values()))
        for one in part:
            if one.jid not in there:
                strange.append(one)
            elif _changes(one, heard.get((there[one.jid], one.jid)), now):
                changed.append(one)
    return changed, strange


def learn(account: LinkedAccount, changed: Sequence[ChatSettings]) -> None:
    """Keeps the chats as the phone does now, but for what it is still to be told itself."""
    now = utcnow()
    for part in _parts(changed):
        there = _chats(account.id, part)
        heard = _heard(set(there.values()))
        for one in part:
            if one.jid not in there:
                continue
            chat = db.session.get_one(Chat, there[one.jid])
            hold(chat)
            before = heard.get((chat.id, one.jid))
            _keep(chat, _changes(one, before, now), chat_wishes.waiting(chat))
            _write(chat, one, before)
    db.session.flush()


def mutes_over() -> bool:
    """Whether there are chats whose time of quiet is over."""
    query = select(Chat.id).where(Chat.muted_until <= utcnow()).limit(1)
    return db.session.scalar(query) is not None


def let_mutes_run_out() -> None:
    """Chats that are muted no more say so, in lists that are open, too."""
    over = Chat.muted_until <= utcnow()
    for chat in db.session.scalars(select(Chat).where(over).limit(_RUN_OUT_TOGETHER)):
        if rows_changed(update(Chat).where(Chat.id == chat.id, over).values(muted_until=None)):
            bell.changed(topics.chat(chat.id))
            chats.tell_lists(chat)


def _parts(told: Sequence[ChatSettings]) -> Iterator[Sequence[ChatSettings]]:
    for first in range(0, len(told), _TOGETHER):
        yield told[first : first + _TOGETHER]


def _by_lid_last(one: ChatSettings) -> tuple[bool, str]:
    return one.jid.endswith(f"@{LID_SERVER}"), one.jid


def _chats(account_id: str, told: Sequence[ChatSettings]) -> dict[str, str]:
    """The chats that are here, by the address they are told of under."""
    users: dict[str, dict[str, str]] = {LID_SERVER: {}, PHONE_SERVER: {}, GROUP_SERVER: {}}
    for one in told:
        user, _, server = one.jid.partition("@")
        if server in users:
            users[server][user] = one.jid
    lids, phones, groups = users.values()
    known = or_(Chat.lid.in_(lids), Chat.phone.in_(phones), Chat.group_id.in_(groups))
    query = select(Chat.id, Chat.lid, Chat.phone, Chat.group_id)
    there: dict[str, str] = {}
    for row in db.session.execute(query.where(Chat.account_id == account_id, known)):
        for jids, name in zip(users.values(), row[1:], strict=True):
            if name in jids:
                there[jids[name]] = row.id
    return there


def _heard(chat_ids: set[str]) -> dict[tuple[str, str], PhoneSettings]:
    query = select(PhoneSettings).where(PhoneSettings.chat_id.in_(chat_ids))
    return {(heard.chat_id, heard.jid): heard for heard in db.session.scalars(query)}


def _changes(told: ChatSettings, heard: PhoneSettings | None, now: datetime) -> dict[Aspect, Any]:
    """By aspect: what the phone has changed, and to what."""
    changes: dict[Aspect, Any] = {}
    if told.archived != (heard is not None and heard.archived):
        changes[Aspect.ARCHIVED] = told.archived
    if told.pinned != (heard is not None and heard.pinned):
        changes[Aspect.PINNED] = told.pinned
    until = _in_force(told.muted_until, now)
    if until != _in_force(heard.muted_until if heard else None, now):
        changes[Aspect.MUTED] = until
    return changes


def _in_force(until: datetime | None, now: datetime) -> datetime | None:
    """To the second, as the engine keeps it; None for what has run out."""
    return until.replace(microsecond=0) if until and until > now else None


def _keep(chat: Chat, changes: dict[Aspect, Any], still_wanted: set[str]) -> None:
    """A wish that is not told yet counts more than what the phone says meanwhile."""
    _settle_archive_and_pin(chat, changes, still_wanted)
    values: dict[str, Any] = {}
    now = utcnow()
    for aspect, told in changes.items():
        if aspect in still_wanted:
            continue
        chat_wishes.forget(chat, aspect)  # one that was refused
        if aspect == Aspect.MUTED:
            values["muted_until"] = told
        elif aspect == Aspect.PINNED:
            values |= {"pinned_at": now, "archived_at": None} if told else {"pinned_at": None}
        else:
            values["archived_at"] = now if told else None
            values |= {"pinned_at": None} if told else {}
    values = {name: value for name, value in values.items() if _is_other(chat, name, value)}
    if values:
        for name, value in values.items():
            setattr(chat, name, value)
        db.session.flush()
        bell.changed(topics.chat(chat.id))
        chats.tell_lists(chat)


def _settle_archive_and_pin(chat: Chat, changes: dict[Aspect, Any], still_wanted: set[str]) -> None:
    """What is pinned is in no archive: who wants the one here does not want the other there."""
    if Aspect.ARCHIVED in still_wanted and chat.archived_at is not None:
        changes.pop(Aspect.PINNED, None)  # telling it unpins
        return
    is_to_be_pinned = Aspect.PINNED in still_wanted and chat.pinned_at is not None
    if is_to_be_pinned and changes.pop(Aspect.ARCHIVED, False):
        chat_wishes.want(chat, Aspect.ARCHIVED, False)


def _is_other(chat: Chat, name: str, value: Any) -> bool:
    was = getattr(chat, name)
    return value != was if name == "muted_until" else (value is None) != (was is None)


def _write(chat: Chat, told: ChatSettings, heard: PhoneSettings | None) -> None:
    if heard is None:
        heard = PhoneSettings(chat_id=chat.id, jid=told.jid)
        db.session.add(heard)
    heard.archived, heard.pinned = told.archived, told.pinned
    heard.muted_until = told.muted_until
