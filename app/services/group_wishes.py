"""What people want done about groups, and about people: a page or the API writes the wish, the host
that holds the session does it, once. A host that dies in the middle leaves a wish taken and
unanswered: nobody does it again, since a group would be made twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update

from app import bell, topics
from app.clock import utcnow
from app.core.errors import Conflict, Invalid
from app.core.groups import ADMIN, OWNER, WishedAct
from app.core.ids import new_id
from app.core.phones import GROUP_SERVER, lid_jid, normalize_phone, phone_jid, split_jid
from app.core.states import InstanceState
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, GroupMember, GroupWish, Instance
from app.services import chats
from app.transaction import rows_changed

NAME_LENGTH = 100
"""Characters of a group's name; WhatsApp's own limit."""
PEOPLE_MAX = 100
GOOD_FOR = timedelta(seconds=30)
"""Nobody waits for what is done later, so it is not done then."""
_KEPT = timedelta(hours=1)
_ONLY_ADMINS = frozenset(WishedAct) - {WishedAct.CREATE, WishedAct.LEAVE}


def create(instance: Instance, name: str, people: Sequence[str], *, country: str) -> GroupWish:
    """A wish for a new group with these people (numbers or JIDs). Raises Invalid (name, people),
    Conflict while the instance is not connected."""
    chats.account_of(instance)
    jids = _people(people, country=country)
    return _ask(instance, None, WishedAct.CREATE, name=_checked_name(name), people=jids)


def rename(instance: Instance, chat: Chat, name: str) -> GroupWish:
    """A wish for another name. Raises Invalid (name), Conflict for who may not."""
    return _ask(instance, chat, WishedAct.RENAME, name=_checked_name(name))


def add(instance: Instance, chat: Chat, people: Sequence[str], *, country: str) -> GroupWish:
    """A wish that these people are added. Raises Invalid (people), Conflict for who may not."""
    return _ask(instance, chat, WishedAct.ADD, people=_people(people, country=country))


def change_member(instance: Instance, chat: Chat, act: WishedAct, key: str) -> GroupWish:
    """A wish that something is done with a member, by key or JID. Raises Invalid (member), Conflict
    for who may not."""
    key = split_jid(key)[0] if "@" in key else key
    known = GroupMember.chat_id == chat.id, (GroupMember.key == key) | (GroupMember.phone == key)
    member = db.session.scalar(select(GroupMember).where(*known).limit(1))
    if member is None:
        raise Invalid(N_("There is no such member."), field="member", code="member_unknown")
    jid = lid_jid(member.lid) if member.lid else phone_jid(str(member.phone))
    return _ask(instance, chat, act, people=[jid])


def simple(instance: Instance, chat: Chat, act: WishedAct) -> GroupWish:
    """A wish for the invite link, for a new one, or to leave. Raises Conflict for who may not."""
    return _ask(instance, chat, act)


def next_open(instance_id: str) -> GroupWish | None:
    """The oldest wish of this instance that somebody still waits for."""
    query = select(GroupWish).where(
        GroupWish.instance_id == instance_id,
        GroupWish.taken_at.is_(None),
        GroupWish.asked_at > utcnow() - GOOD_FOR,
    )
    return db.session.scalar(query.order_by(GroupWish.asked_at, GroupWish.id).limit(1))


def take(wish_id: str) -> bool:
    """Whether the caller is the one to do it."""
    statement = update(GroupWish).where(GroupWish.id == wish_id, GroupWish.taken_at.is_(None))
    return rows_changed(statement.values(taken_at=utcnow())) == 1


def answer(
    wish_id: str, *, failure: str | None = None, result: dict[str, Any] | None = None
) -> None:
    """Writes down what became of it."""
    statement = update(GroupWish).where(GroupWish.id == wish_id)
    rows_changed(
        statement.values(answered_at=utcnow(), failure=failure and failure[:60], result=result)
    )
    bell.changed(topics.group_wish(wish_id))


def group_of(instance: Instance, chat_id: str) -> Chat:
    """The chat of a group, by our id, JID or number. Raises NotFound for what is none."""
    if not chat_id.startswith("cht_"):
        group_id = chat_id.partition("@")[0]
        query = select(Chat.id).where(
            Chat.account_id == instance.account_id, Chat.group_id == group_id
        )
        chat_id = db.session.scalar(query) or chat_id
    chat = chats.get_for(instance, chat_id)
    if not chat.is_group:
        raise chats.no_such_chat()
    return chat


def _ask(
    instance: Instance,
    chat: Chat | None,
    act: WishedAct,
    *,
    name: str = "",
    people: Sequence[str] | None = None,
) -> GroupWish:
    if instance.instance_state is not InstanceState.CONNECTED:
        text = N_("Groups can be changed only while the instance is connected.")
        raise Conflict(text, code="not_connected")
    if chat is not None:
        _check_role(instance, chat, act)
    group_id = chat.group_id if chat else None
    return write(instance, act, group_id=group_id, name=name, people=people)


def write(
    instance: Instance,
    act: WishedAct,
    *,
    group_id: str | None = None,
    name: str = "",
    people: Sequence[str] | None = None,
) -> GroupWish:
    """Writes a wish down, for what was checked already, and wakes the session."""
    now = utcnow()
    old = GroupWish.instance_id == instance.id, GroupWish.asked_at < now - _KEPT
    db.session.execute(delete(GroupWish).where(*old))
    wish = GroupWish(
        id=new_id("gwi", now),
        instance_id=instance.id,
        group_id=group_id,
        act=act,
        name=name,
        people=list(people) if people else None,
        asked_at=now,
    )
    db.session.add(wish)
    db.session.flush()
    bell.wake(instance.id)
    return wish


def _check_role(instance: Instance, chat: Chat, act: WishedAct) -> None:
    if chat.account_id != instance.account_id or chat.our_role is None:
        raise Conflict(N_("You are not in this group."), code="not_in_group")
    if act in _ONLY_ADMINS and chat.our_role not in (ADMIN, OWNER):
        raise Conflict(N_("Only admins of the group may do this."), code="not_an_admin")


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LENGTH:
        text = N_("A group needs a name of at most %(count)d characters.")
        raise Invalid(text, field="name", code="bad_group_name", count=NAME_LENGTH)
    return name


def _people(people: Sequence[str], *, country: str) -> list[str]:
    given = [one.strip() for one in people if one.strip()]
    if not 1 <= len(given) <= PEOPLE_MAX:
        text = N_("Name %(low)d to %(high)d people.")
        raise Invalid(text, field="people", code="bad_people", low=1, high=PEOPLE_MAX)
    return list(dict.fromkeys(_jid_of(one, country) for one in given))


def _jid_of(one: str, country: str) -> str:
    if "@" in one:
        user, server = split_jid(one, field="people")
        if server == GROUP_SERVER:
            text = N_("A group cannot be a member of a group.")
            raise Invalid(text, field="people", code="bad_people")
        return f"{user}@{server}"
    return phone_jid(normalize_phone(one, country=country, field="people"))
