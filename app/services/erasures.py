"""Erasing all that is known of one person: contact, chats, messages, files, and what traces they
left elsewhere. What the phone and WhatsApp themselves keep is not ours to erase."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, delete, func, or_, select, update

from app import bell, topics
from app.config import current_settings
from app.core.errors import Invalid
from app.core.phones import lid_jid, normalize_phone, phone_jid
from app.core.texts import N_
from app.extensions import db
from app.models import (
    Activity,
    Call,
    Chat,
    Contact,
    ContactImport,
    Delivery,
    GroupMember,
    Instance,
    KeptEvent,
    LinkedAccount,
    Media,
    Message,
    MessageReceipt,
    NumberCheck,
    PollVote,
    ProfilePicture,
    Quote,
    Reaction,
    RefusedRow,
    User,
    WhatsAppContact,
)
from app.models.chat import GROUP
from app.models.message import SYSTEM
from app.services import activity, contacts, media
from app.storage import storage_of
from app.transaction import after_commit, transaction

BATCH = 500
"""Messages that are erased in one transaction."""


@dataclass(frozen=True, slots=True)
class Person:
    """By what somebody is known, in any table."""

    phones: frozenset[str]
    lids: frozenset[str]

    def has(self, phone: Any, lid: Any) -> ColumnElement[bool]:
        """Of rows with these columns: those that are about the person."""
        return or_(phone.in_(self.phones), lid.in_(self.lids))


@dataclass(frozen=True, slots=True)
class Loss:
    """What would be lost."""

    chats: int
    messages: int
    files: int


def person_of(instance: Instance, contact: Contact) -> Person:
    """Who the contact is: with all numbers, and the LIDs that other tables have for these."""
    phones = frozenset(phone for phone, _ in contact.addresses if phone)
    lids = {lid for _, lid in contact.addresses}
    accounts = _accounts(instance)
    known = Person(phones, frozenset(filter(None, lids)))
    for row in db.session.scalars(
        select(WhatsAppContact).where(
            WhatsAppContact.account_id.in_(accounts),
            known.has(WhatsAppContact.phone, WhatsAppContact.lid),
        )
    ):
        lids.add(row.lid)
    for chat in db.session.scalars(_chats(instance, known)):
        lids.add(chat.lid)
    return Person(phones, frozenset(filter(None, lids)))


def loss_of(instance: Instance, person: Person) -> Loss:
    """What the question names."""
    chats = _chats(instance, person)
    messages = _messages(instance, person)
    files = select(Media.id).where(Media.message_id.in_(messages))
    return Loss(*(_count(query) for query in (chats, messages, files)))


def check_typed(contact: Contact, typed: str) -> None:
    """Raises Invalid (number) unless the contact's number, or the id of one without, is typed."""
    try:
        number = normalize_phone(typed, country=current_settings().default_country)
    except Invalid:
        number = ""
    if (contact.phone or contact.lid) not in {number, typed.strip()}:
        message = N_("This is not the number of this contact.")
        raise Invalid(message, field="number", code="number_differs")


def erase(find: Callable[[], Instance], contact_id: str, *, typed: str, actor: User) -> None:
    """Erases all that is known of the contact, the messages some at a time: one that breaks off is
    begun anew. `find` gives the instance in each transaction. Raises NotFound, Invalid (number)."""
    instance = find()
    contact = contacts.get_for(instance, contact_id)
    check_typed(contact, typed)
    person = person_of(instance, contact)
    ids = messages_of(instance, person)
    for first in range(0, len(ids), BATCH):
        with transaction():
            erase_messages(ids[first : first + BATCH])
    with transaction():
        instance = find()
        finish(instance, contacts.get_for(instance, contact_id), person, actor=actor)


def messages_of(instance: Instance, person: Person) -> list[str]:
    """The ids of all messages of the chats with the person, and of theirs in groups."""
    return list(db.session.scalars(_messages(instance, person)))


def erase_messages(ids: Sequence[str]) -> None:
    """Removes these messages, with their files."""
    query = select(*media.KEYS).where(Media.message_id.in_(ids))
    keys = [key for row in db.session.execute(query) for key in row if key]
    in_chats = select(Message.chat_id).where(Message.id.in_(ids)).distinct()
    chats = list(db.session.scalars(select(Chat).where(Chat.id.in_(in_chats), Chat.kind == GROUP)))
    db.session.execute(delete(Message).where(Message.id.in_(ids)))
    for chat in chats:
        _correct(chat)
    loose = sorted(set(keys) - media.keys_in_use(keys))  # a forwarded file is another's, too
    if loose:
        after_commit(lambda: _drop(loose), key=("files", loose[0]))


def finish(instance: Instance, contact: Contact, person: Person, *, actor: User) -> None:
    """Removes all that is left of the person, and notes that it was done, but not of whom."""
    _forget_lines(instance, person)
    chat_ids = list(db.session.scalars(_chats(instance, person).with_only_columns(Chat.id)))
    db.session.execute(delete(Chat).where(Chat.id.in_(chat_ids)))
    accounts = _accounts(instance)
    of_instance = select(Message.id).where(Message.instance_id == instance.id)
    of_groups = select(Chat.id).where(Chat.instance_id == instance.id, Chat.kind == GROUP)
    for kind, phone, lid, within in (
        (Reaction, Reaction.phone, Reaction.lid, Reaction.message_id.in_(of_instance)),
        (PollVote, PollVote.phone, PollVote.lid, PollVote.message_id.in_(of_instance)),
        (
            MessageReceipt,
            MessageReceipt.phone,
            MessageReceipt.lid,
            MessageReceipt.message_id.in_(of_instance),
        ),
        (GroupMember, GroupMember.phone, GroupMember.lid, GroupMember.chat_id.in_(of_groups)),
        (
            ProfilePicture,
            ProfilePicture.phone,
            ProfilePicture.lid,
            ProfilePicture.instance_id == instance.id,
        ),
        (Quote, Quote.author_phone, Quote.author_lid, Quote.message_id.in_(of_instance)),
        (Call, Call.caller_phone, Call.caller_lid, Call.instance_id == instance.id),
        (NumberCheck, NumberCheck.phone, NumberCheck.lid, NumberCheck.instance_id == instance.id),
        (
            WhatsAppContact,
            WhatsAppContact.phone,
            WhatsAppContact.lid,
            WhatsAppContact.account_id.in_(accounts),
        ),
        (Contact, Contact.phone, Contact.lid, Contact.instance_id == instance.id),
    ):
        options = {"synchronize_session": False}
        statement = delete(kind).where(within, person.has(phone, lid))
        db.session.execute(statement, execution_options=options)
    _forget_names(instance, person)
    _forget_deliveries(instance, person)
    _forget_refused(instance, person)
    db.session.expunge(contact)
    activity.record("contacts:person:erased", instance=instance, actor=actor)
    bell.changed(topics.contacts(instance.id), topics.chats(instance.id))
    bell.changed(topics.instances_of(instance.owner_id), *map(topics.chat, chat_ids))


def _accounts(instance: Instance) -> Any:
    return select(LinkedAccount.id).where(LinkedAccount.instance_id == instance.id)


def _chats(instance: Instance, person: Person) -> Any:
    return select(Chat).where(
        Chat.instance_id == instance.id, Chat.kind != GROUP, person.has(Chat.phone, Chat.lid)
    )


def _messages(instance: Instance, person: Person) -> Any:
    chats = _chats(instance, person).with_only_columns(Chat.id)
    theirs = person.has(Message.sender_phone, Message.sender_lid)
    return select(Message.id).where(
        Message.instance_id == instance.id, or_(Message.chat_id.in_(chats), theirs)
    )


def _correct(chat: Chat) -> None:
    """The line of a group says what its newest message says, which may be another one now."""
    query = select(Message).where(Message.chat_id == chat.id)
    newest = db.session.scalar(query.order_by(Message.shown_at.desc(), Message.id.desc()).limit(1))
    chat.last_kind = newest.line_kind if newest else None
    chat.last_text = newest.line_text[:200] if newest else ""
    bell.changed(topics.chat(chat.id), topics.chats(chat.instance_id))


def _forget_names(instance: Instance, person: Person) -> None:
    """Notes of groups that name the person, and mentions of theirs in what others wrote."""
    ours, options = Message.instance_id == instance.id, {"synchronize_session": False}
    for one in (*person.phones, *person.lids):
        noted = ours, Message.direction == SYSTEM, cast(Message.details, Text).contains(f'"{one}"')
        db.session.execute(delete(Message).where(*noted), execution_options=options)
        named = update(Message).where(ours, cast(Message.mentions, Text).contains(f'"{one}"'))
        db.session.execute(named.values(mentions=None), execution_options=options)


def _forget_deliveries(instance: Instance, person: Person) -> None:
    """Events that speak of the person, told, fetched, or not yet."""
    for kind in (Delivery, KeptEvent):
        _forget_bodies(kind, instance, person)


def _forget_bodies(
    kind: type[Delivery] | type[KeptEvent], instance: Instance, person: Person
) -> None:
    on_sqlite = db.session.get_bind().dialect.name == "sqlite"
    body = kind.body if on_sqlite else func.encode(kind.body, "escape")
    for jid in [*map(phone_jid, person.phones), *map(lid_jid, person.lids)]:
        said = f'"{jid}"'
        found = func.instr(body, said.encode()) if on_sqlite else func.strpos(body, said)
        db.session.execute(
            delete(kind).where(kind.instance_id == instance.id, found > 0),
            execution_options={"synchronize_session": False},
        )


def _forget_lines(instance: Instance, person: Person) -> None:
    """Lines of the journal that name the person: their calls."""
    query = select(Activity).where(
        Activity.instance_id == instance.id, Activity.kind.startswith("call:")
    )
    calls = select(Call.wa_id).where(
        Call.instance_id == instance.id, person.has(Call.caller_phone, Call.caller_lid)
    )
    theirs = set(db.session.scalars(calls))
    lines = [one.id for one in db.session.scalars(query) if one.detail.get("call") in theirs]
    db.session.execute(delete(Activity).where(Activity.id.in_(lines)))
    bell.changed(topics.journal(instance.id))


def _forget_refused(instance: Instance, person: Person) -> None:
    """Rows of files that were refused although they have the number."""
    imports = select(ContactImport.id).where(ContactImport.instance_id == instance.id)
    country = current_settings().default_country
    for row in db.session.scalars(select(RefusedRow).where(RefusedRow.import_id.in_(imports))):
        try:
            number = normalize_phone(row.phone, country=country)
        except Invalid:
            number = ""
        if number in person.phones:
            db.session.delete(row)


def _drop(keys: Iterable[str]) -> None:
    """The sweep of files finds what is not removed here."""
    storage = storage_of(current_settings())
    for key in keys:
        storage.delete(key)


def _count(query: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
