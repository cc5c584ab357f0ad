"""Groups of an account as WhatsApp tells them: their names, their members, what changes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select, update

from app import bell, topics
from app.clock import utcnow
from app.core.groups import ADMIN, MEMBER, OWNER, GroupFacts
from app.core.naming import fold
from app.core.phones import show_phone
from app.extensions import db
from app.models import Chat, GroupMember, Instance, LinkedAccount, Message
from app.models.chat import GROUP
from app.models.message import SYSTEM
from app.services import chats, receipts
from app.services.people_names import Names, Who, is_us, names_of
from app.transaction import rows_changed

DESCRIPTION_LENGTH = 4096
_RECENT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Member:
    """A member as it is shown."""

    key: str
    name: str
    phone: str | None
    lid: str | None
    role: str
    is_us: bool

    @property
    def is_named(self) -> bool:
        """Whether the name says more than the number."""
        return self.name != show_phone(self.phone)

    @property
    def is_admin(self) -> bool:
        """Whether they may change the group."""
        return self.role in (ADMIN, OWNER)


def learn(account: LinkedAccount, facts: GroupFacts) -> Chat:
    """The chat of a group as WhatsApp tells it now; made if it is new."""
    chat = chats.group(account, facts.id, name=facts.name)
    before = _stored(chat)
    now = {_key(one.phone, one.lid): one for one in facts.members}
    for key in before.keys() - now.keys():
        db.session.delete(before[key])
    learned = any(
        row.phone is None and key in now and now[key].phone for key, row in before.items()
    )
    for key, one in now.items():
        row = before.get(key)
        if row is None:
            put(chat, (one.phone, one.lid), one.role)
        elif (row.phone, row.lid, row.role) != (one.phone, one.lid, one.role):
            row.phone, row.lid, row.role = one.phone, one.lid, one.role
    ours = next((m.role for m in facts.members if is_us(account, (m.phone, m.lid))), None)
    name = facts.name[: chats.NAME_LENGTH] or chat.name
    told = (name, facts.description[:DESCRIPTION_LENGTH], facts.only_admins_write, ours)
    if told != (chat.name, chat.description, chat.only_admins_write, chat.our_role):
        chat.name, chat.description, chat.only_admins_write, chat.our_role = told
        tell(chat)
    chat.group_known_at = utcnow()
    if now and not before:
        receipts.people_known(chat)
    if learned:
        _show_notes_anew(chat)
    return chat


def _show_notes_anew(chat: Chat) -> None:
    """Notes that named somebody by LID alone can be read with a number or a name now."""
    notes = Message.chat_id == chat.id, Message.direction == SYSTEM
    recent = Message.shown_at > utcnow() - _RECENT
    statement = update(Message).where(*notes, recent).values(changed_at=utcnow())
    if rows_changed(statement):
        tell(chat)


def forget_others(account: LinkedAccount, ids: Collection[str]) -> None:
    """The account is in the groups `ids` and in no other."""
    query = select(Chat).where(Chat.account_id == account.id, Chat.kind == GROUP)
    for chat in db.session.scalars(query):
        if chat.group_id not in ids and (chat.our_role or chat.group_known_at is None):
            leave(chat)


def leave(chat: Chat) -> None:
    """The account is not in this group any more. Who else is, nobody tells us from now on."""
    chat.our_role, chat.group_known_at = None, utcnow()
    db.session.execute(delete(GroupMember).where(GroupMember.chat_id == chat.id))
    tell(chat)


def put(chat: Chat, who: Who, role: str = MEMBER) -> None:
    """Somebody is in the group, in this role."""
    phone, lid = who
    row = db.session.get(GroupMember, (chat.id, _key(phone, lid)))
    if row is not None:
        row.role = role
    else:
        key = _key(phone, lid)
        db.session.add(GroupMember(chat_id=chat.id, key=key, phone=phone, lid=lid, role=role))
        db.session.flush()


def take_out(chat: Chat, who: Who) -> None:
    """Somebody is in the group no more."""
    row = db.session.get(GroupMember, (chat.id, _key(*who)))
    if row is not None:
        db.session.delete(row)


def members_of(chat: Chat) -> list[Member]:
    """Who is in the group: ourselves first, then admins, then the others, by name."""
    account = db.session.get_one(LinkedAccount, chat.account_id)
    rows = list(_stored(chat).values())
    names = names_of(chat, [(row.phone, row.lid) for row in rows])
    members = [_shown(row, names, account) for row in rows]
    ranks = {OWNER: 0, ADMIN: 1}
    return sorted(
        members, key=lambda one: (not one.is_us, ranks.get(one.role, 2), one.name.casefold())
    )


def some_of(chat: Chat, keys: Collection[str]) -> list[Member]:
    """Those members whose keys these are, in no order."""
    account = db.session.get_one(LinkedAccount, chat.account_id)
    query = select(GroupMember).where(GroupMember.chat_id == chat.id, GroupMember.key.in_(keys))
    rows = db.session.scalars(query).all()
    names = names_of(chat, [(row.phone, row.lid) for row in rows])
    return [_shown(row, names, account) for row in rows]


def of(instance: Instance) -> list[tuple[Chat, int]]:
    """The groups of the linked account by name, each with how many are in it."""
    counts = select(GroupMember.chat_id, func.count().label("members")).group_by(
        GroupMember.chat_id
    )
    counted = counts.subquery()
    query = (
        select(Chat, func.coalesce(counted.c.members, 0))
        .outerjoin(counted, counted.c.chat_id == Chat.id)
        .where(Chat.account_id == instance.account_id, Chat.kind == GROUP)
        .order_by(Chat.name, Chat.id)
    )
    return [(chat, count) for chat, count in db.session.execute(query)]


def find(chat: Chat, text: str, *, limit: int) -> list[Member]:
    """Members but ourselves a word of whose name begins with `text`, or whose number has it."""
    words, digits = fold(text), "".join(filter(str.isdecimal, text))
    return [
        one
        for one in members_of(chat)
        if not one.is_us
        and (
            any(word.startswith(words) for word in fold(one.name).split())
            or (digits and digits in (one.phone or ""))
        )
    ][:limit]


def count_of(chat: Chat) -> int:
    """How many are in the group, as far as is known."""
    query = select(func.count()).where(GroupMember.chat_id == chat.id)
    return db.session.scalar(query) or 0


def tell(chat: Chat) -> None:
    """Pages that show the group are out of date."""
    chat.changed_at = utcnow()
    bell.changed(topics.chats(chat.instance_id), topics.chat(chat.id))


def _stored(chat: Chat) -> dict[str, GroupMember]:
    rows = db.session.scalars(select(GroupMember).where(GroupMember.chat_id == chat.id))
    return {row.key: row for row in rows}


def _shown(row: GroupMember, names: Names, account: LinkedAccount) -> Member:
    name = names.of(row.phone, row.lid)
    return Member(row.key, name, row.phone, row.lid, row.role, is_us(account, (row.phone, row.lid)))


def _key(phone: str | None, lid: str | None) -> str:
    return lid or str(phone)
