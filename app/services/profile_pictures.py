"""Profile pictures: wanted by who looks at a chat, at a group's people or at contacts, asked for by
the session, downloaded by a job. WhatsApp is asked about nobody whom no one looks at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, insert, literal, or_, select, update

from app import bell, topics
from app.clock import utcnow
from app.core.errors import NotFound
from app.core.ids import new_id
from app.core.phones import lid_jid, phone_jid
from app.core.states import InstanceState
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount, Message, ProfilePicture
from app.models.message import INCOMING
from app.services.people_names import Who
from app.transaction import rows_changed

QUEUE = "media"
JOB = "app.jobs.downloads.fetch_picture"
FRESH_FOR = timedelta(days=1)
GOOD_FOR = timedelta(minutes=10)
"""A wish that is older is not followed any more: nobody may look at the chat by now."""
MOST_WISHES = 30
"""Wishes of one look at a page."""
LATE = timedelta(minutes=1)
"""A download that was not done by then is rung for again."""
SHOWN = 40
"""So many of the newest messages of a group are drawn anew when a picture has come."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture to ask for: whose it is, and when it was wished for."""

    id: str
    jid: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Errand:
    """A picture to download: where it is, and by which way."""

    picture_id: str
    url: str
    own_proxy: str | None


@dataclass(frozen=True, slots=True)
class Faces:
    """The pictures of some people by number and LID, and the chats of those who are one."""

    rows: dict[str, ProfilePicture] = field(default_factory=dict)
    chats: Mapping[str, str] = field(default_factory=dict)

    def of(self, phone: str | None, lid: str | None) -> ProfilePicture | None:
        """What is known of somebody's picture."""
        return self.rows.get(f"+{phone}") or self.rows.get(lid or "")

    def chat_of(self, phone: str | None, lid: str | None) -> str | None:
        """The id of the chat with somebody."""
        return self.chats.get(f"+{phone}") or self.chats.get(lid or "")


def unknown_of(instance: Instance, shown: Iterable[Chat]) -> list[str]:
    """The ids of those among the shown chats whose pictures are to be asked for; none while the
    instance is not connected, so that nobody writes in vain."""
    if instance.instance_state is not InstanceState.CONNECTED:
        return []
    ours = (chat for chat in shown if chat.account_id == instance.account_id)
    unknown = dict.fromkeys(chat.id for chat in ours if _is_unknown(chat.picture))
    return list(unknown)[:MOST_WISHES]


def want(instance_id: str, chat_ids: list[str]) -> None:
    """Writes down that somebody looks at these chats, and wakes the session."""
    now = utcnow()
    known = set(
        db.session.scalars(select(ProfilePicture.id).where(ProfilePicture.id.in_(chat_ids)))
    )
    rows_changed(update(ProfilePicture).where(ProfilePicture.id.in_(known)).values(wanted_at=now))
    since = literal(now, ProfilePicture.wanted_at.type)
    new = select(Chat.id, Chat.id, Chat.account_id, literal(instance_id), since)
    columns = ["id", "chat_id", "account_id", "instance_id", "wanted_at"]
    these = new.where(Chat.id.in_(set(chat_ids) - known))
    db.session.execute(insert(ProfilePicture).from_select(columns, these))
    bell.wake(instance_id)


def faces_of(
    account_id: str | None, people: Iterable[Who], *, chats: Iterable[Chat] | None = None
) -> Faces:
    """The pictures of people whom a linked account knows: two queries, however many they are, one
    where their `chats` are known already; none for nobody."""
    people = {who for who in people if any(who)}
    if not people or account_id is None:
        return Faces()
    phones = {phone for phone, _ in people if phone}
    lids = {lid for _, lid in people if lid}
    if chats is None:
        theirs = or_(Chat.lid.in_(lids), Chat.phone.in_(phones))
        chats = db.session.scalars(select(Chat).where(Chat.account_id == account_id, theirs)).all()
    by_id = {chat.id: chat for chat in chats}
    alone = or_(ProfilePicture.key.in_(lids | phones), ProfilePicture.phone.in_(phones))
    found = ProfilePicture.account_id == account_id, or_(alone, ProfilePicture.chat_id.in_(by_id))
    rows: dict[str, ProfilePicture] = {}
    # What was asked for before somebody had a chat gives way to the picture of the chat.
    for row in sorted(db.session.scalars(select(ProfilePicture).where(*found)), key=_has_chat):
        who = by_id[row.chat_id] if row.chat_id is not None else row
        rows |= dict.fromkeys(_addresses(who.phone, who.lid), row)
    ids = {one: chat.id for chat in by_id.values() for one in _addresses(chat.phone, chat.lid)}
    return Faces(rows, ids)


def _has_chat(row: ProfilePicture) -> bool:
    return row.chat_id is not None


def unknown_people(
    instance: Instance, account_id: str | None, people: Iterable[Who], faces: Faces
) -> list[Who]:
    """Those of `people`, whom the account knows, whose pictures are to be asked for."""
    connected = instance.instance_state is InstanceState.CONNECTED
    if not connected or account_id != instance.account_id:
        return []
    unknown = dict.fromkeys(who for who in people if any(who) and _is_unknown(faces.of(*who)))
    return list(unknown)[:MOST_WISHES]


def want_people(
    account: LinkedAccount, people: Collection[Who], *, seen_in: Chat | None = None
) -> None:
    """Writes down that somebody looks at these people, maybe in a group, and wakes the session. Who
    is a chat of its own has the picture of that."""
    known, now = faces_of(account.id, people), utcnow()
    faces = Faces(dict(known.rows), known.chats)
    for phone, lid in people:
        row = faces.of(phone, lid)
        if row is None:
            chat_id = faces.chat_of(phone, lid)
            row = ProfilePicture(
                id=chat_id or new_id("pic", now),
                instance_id=account.instance_id,
                account_id=account.id,
                chat_id=chat_id,
            )
            if chat_id is None:
                row.key, row.phone, row.lid = lid or phone, phone, lid
            db.session.add(row)
            faces.rows.update(dict.fromkeys(_addresses(phone, lid), row))
        row.wanted_at = now
        row.seen_in_id = seen_in.id if seen_in else row.seen_in_id
    db.session.flush()
    bell.wake(account.instance_id)


def awaits_any(people: Iterable[Who], faces: Faces) -> bool:
    """Whether a picture of theirs is on its way."""
    return any(row is not None and _waits(row) for row in (faces.of(*who) for who in people))


def next_wanted(instance: Instance) -> Wanted | None:
    """The picture that was wanted first, and still is, of what the linked account knows."""
    query = (
        select(ProfilePicture, Chat)
        .outerjoin(Chat, Chat.id == ProfilePicture.chat_id)
        .where(
            ProfilePicture.instance_id == instance.id,
            ProfilePicture.wanted_at > utcnow() - GOOD_FOR,
            ProfilePicture.account_id == instance.account_id,
        )
    )
    query = query.order_by(ProfilePicture.wanted_at, ProfilePicture.id).limit(1)
    found = db.session.execute(query).first()
    if found is None:
        return None
    row, chat = found
    jid = chat.jid if chat else phone_jid(row.phone) if row.phone else lid_jid(str(row.lid))
    return Wanted(row.id, jid, row.wanted_at)


def told(id_: str, wa_picture_id: str, url: str, *, since: datetime | None = None) -> None:
    """WhatsApp has said which picture it is and where: one that is not here is downloaded. `since`:
    of the wish that was followed; one that came later is not followed by that."""
    row = _asked(id_, since)
    if row is None:  # its chat was deleted meanwhile
        return
    row.absent = False
    if row.storage_key is None or row.wa_picture_id != wa_picture_id:
        row.wa_picture_id, row.url = wa_picture_id[:100], url
        _ring(id_)
    db.session.flush()


def told_none(id_: str, *, since: datetime | None = None) -> None:
    """WhatsApp shows no picture, or not to this account."""
    row = _asked(id_, since)
    if row is None:
        return
    was_shown = row.storage_key is not None
    row.absent = True
    row.wa_picture_id = row.storage_key = row.mime = row.url = None
    db.session.flush()
    if was_shown:
        _tell(row)


def not_told(id_: str) -> None:
    """WhatsApp would not say: it is asked again tomorrow."""
    statement = update(ProfilePicture).where(ProfilePicture.id == id_)
    rows_changed(statement.values(wanted_at=None, fetched_at=utcnow()))


def changed(
    account: LinkedAccount, who: Who, *, group_id: str | None = None, removed: bool = False
) -> None:
    """WhatsApp tells that somebody, or a group, has another picture now, or none any more: what is
    known is old, and is asked for when somebody looks. Whom nobody looked at is left alone."""
    for row in db.session.scalars(_known_of(account, who, group_id)).all():
        if removed:
            told_none(row.id, since=row.wanted_at)
        elif row.fetched_at is not None or row.wanted_at is not None:
            row.fetched_at = None
            row.wanted_at = utcnow() if row.wanted_at else None  # it may be asked for just now
            db.session.flush()
            _tell(row)


def errand_of(id_: str) -> Errand | None:
    """What a download needs; None where nothing is to be downloaded."""
    row = db.session.get(ProfilePicture, id_, populate_existing=True)
    if row is None or row.url is None:
        return None
    return Errand(id_, row.url, db.session.get_one(Instance, row.instance_id).proxy_url)


def stored(errand: Errand, *, key: str, mime: str) -> bool:
    """The picture is in the storage. False where it is not wanted any more, or here already."""
    if not _settle(errand, storage_key=key, mime=mime):
        return False
    _tell(db.session.get_one(ProfilePicture, errand.picture_id, populate_existing=True))
    return True


def failed(errand: Errand) -> None:
    """It could not be had: what was here before stays, and WhatsApp is asked again tomorrow."""
    _settle(errand, wa_picture_id=None)


def ring_for_due(limit: int = 100) -> None:
    """Rings for downloads that nobody has done. Run by the clock."""
    query = select(ProfilePicture.id).where(
        ProfilePicture.url.is_not(None), ProfilePicture.fetched_at < utcnow() - LATE
    )
    for id_ in db.session.scalars(query.order_by(ProfilePicture.fetched_at).limit(limit)):
        if bell.once_in(60, f"picture:{id_}"):
            _ring(id_)


def stored_of(chat: Chat) -> ProfilePicture:
    """The picture of a chat that is here. Raises NotFound."""
    return _stored(db.session.get(ProfilePicture, chat.id))


def get_for(instance: Instance, id_: str) -> ProfilePicture:
    """A picture that is here, if it is the instance's. Raises NotFound."""
    row = db.session.get(ProfilePicture, id_)
    return _stored(row if row is not None and row.instance_id == instance.id else None)


def _stored(row: ProfilePicture | None) -> ProfilePicture:
    if row is None or row.storage_key is None:
        raise NotFound(N_("There is no such file."), code="media_not_found")
    return row


def _is_unknown(row: ProfilePicture | None) -> bool:
    if row is None:
        return True
    old = row.fetched_at is None or row.fetched_at < utcnow() - FRESH_FOR
    return old and not _waits(row)


def _waits(row: ProfilePicture) -> bool:
    wanted = row.wanted_at is not None and row.wanted_at > utcnow() - GOOD_FOR
    return wanted or row.url is not None


def _asked(id_: str, since: datetime | None) -> ProfilePicture | None:
    row = db.session.get(ProfilePicture, id_, populate_existing=True)
    if row is None:
        return None
    if since is None or row.wanted_at == since:
        row.wanted_at = None
    row.fetched_at = utcnow()
    return row


def _known_of(account: LinkedAccount, who: Who, group_id: str | None) -> Select[ProfilePicture]:
    phone, lid = who
    query = (
        select(ProfilePicture)
        .outerjoin(Chat, Chat.id == ProfilePicture.chat_id)
        .where(ProfilePicture.account_id == account.id)
    )
    if group_id is not None:
        return query.where(Chat.group_id == group_id)
    theirs: list[ColumnElement[bool]] = []
    if phone:
        theirs += [ProfilePicture.phone == phone, Chat.phone == phone]
    if lid:
        theirs += [ProfilePicture.lid == lid, Chat.lid == lid]
    return query.where(or_(*theirs))


def _settle(errand: Errand, **values: str | None) -> bool:
    mine = and_(ProfilePicture.id == errand.picture_id, ProfilePicture.url == errand.url)
    return rows_changed(update(ProfilePicture).where(mine).values(url=None, **values)) == 1


def _tell(row: ProfilePicture) -> None:
    """The person looks different now among contacts, as does the chat's line in the list, and what
    they wrote in a group."""
    bell.changed(topics.contacts(row.instance_id))
    if row.chat_id is not None:
        rows_changed(update(Chat).where(Chat.id == row.chat_id).values(changed_at=utcnow()))
        bell.changed(topics.chats(row.instance_id))
    if row.seen_in_id is not None:
        _show_in(row.seen_in_id, _person_of(row))


def _show_in(group_id: str, who: Who) -> None:
    newest = select(Message.id).where(Message.chat_id == group_id)
    newest = newest.order_by(Message.shown_at.desc(), Message.id.desc()).limit(SHOWN)
    phone, lid = who
    wrote: list[ColumnElement[bool]] = [Message.sender_phone == phone] if phone else []
    wrote += [Message.sender_lid == lid] if lid else []
    theirs = Message.id.in_(newest), Message.direction == INCOMING, or_(*wrote)
    if rows_changed(update(Message).where(*theirs).values(changed_at=utcnow())):
        bell.changed(topics.chat(group_id))


def _person_of(row: ProfilePicture) -> Who:
    if row.chat_id is None:
        return row.phone, row.lid
    chat = db.session.get_one(Chat, row.chat_id)
    return chat.phone, chat.lid


def _addresses(phone: str | None, lid: str | None) -> list[str]:
    return [*([f"+{phone}"] if phone else ()), *([lid] if lid else ())]


def _ring(id_: str) -> None:
    bell.enqueue(QUEUE, JOB, id_)
