"""Keeps chats named by the contacts: `known_as` is what they call the person, so that a list of
chats is read without a look at them. Whoever changes a contact or makes a chat calls this."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import ColumnElement, or_, select

from app import bell, topics
from app.extensions import db
from app.models import Chat, Contact, ContactNumber, LinkedAccount, WhatsAppContact
from app.models.chat import PERSON
from app.models.contact import Address

PEOPLE_AT_ONCE = 500
"""How many people are looked for in one query."""

Person = TypeVar("Person", Chat, Contact, WhatsAppContact)


class Addressed(Protocol):
    """Somebody with numbers and LIDs."""

    @property
    def addresses(self) -> list[Address]:
        """All that they are known by, the main one first."""
        ...


def find_people(
    kind: type[Person],
    within: ColumnElement[bool],
    phones: Collection[str | None],
    lids: Collection[str | None],
) -> list[Person]:
    """The rows of `kind` that have one of the numbers or one of the LIDs, each row once. A contact
    has those of the contacts that were merged into it, too."""
    numbers, ids = set(phones) - {None}, set(lids) - {None}
    found: dict[str, Person] = {}
    for known, column in ((numbers, kind.phone), (ids, kind.lid)):
        if known:
            rows = db.session.scalars(select(kind).where(within, column.in_(known)))
            found.update((row.id, row) for row in rows)
    if kind is Contact and (numbers or ids):
        merged = or_(ContactNumber.phone.in_(numbers), ContactNumber.lid.in_(ids))
        owners = db.session.scalars(select(ContactNumber.contact_id).where(merged)).all()
        if owners:  # nearly never: few contacts are made of several
            rows = db.session.scalars(select(kind).where(within, kind.id.in_(owners)))
            found.update((row.id, row) for row in rows)
    return list(found.values())


def rename_chats(instance_id: str, people: Iterable[Addressed]) -> None:
    """Gives the chats with `people` the names that the contacts have for them now. Flushes."""
    db.session.flush()
    people = list(people)
    of_instance = select(LinkedAccount.id).where(LinkedAccount.instance_id == instance_id)
    accounts = db.session.scalars(of_instance).all()
    for first in range(0, len(people) if accounts else 0, PEOPLE_AT_ONCE):
        part = people[first : first + PEOPLE_AT_ONCE]
        within = Chat.account_id.in_(accounts)
        name_chats(find_people(Chat, within, *addresses_of(part)))


def name_chats(chats: Sequence[Chat]) -> None:
    """Gives `chats`, all of one instance, the names that the contacts have for them now."""
    chats = [chat for chat in chats if chat.kind == PERSON]
    if not chats:
        return
    phones, lids = [chat.phone for chat in chats], [chat.lid for chat in chats]
    ours = Contact.instance_id == chats[0].instance_id
    saved = by_address(find_people(Contact, ours, phones, lids))
    theirs = WhatsAppContact.account_id.in_({chat.account_id for chat in chats})
    known: dict[str, list[WhatsAppContact]] = defaultdict(list)
    for person in find_people(WhatsAppContact, theirs, phones, lids):
        known[person.account_id].append(person)
    books = {account_id: by_address(people) for account_id, people in known.items()}
    for chat in chats:
        book = books.get(chat.account_id, {})
        _name(chat, one_with(saved, chat), one_with(book, chat))


def _name(chat: Chat, contact: Contact | None, person: WhatsAppContact | None) -> None:
    names = [contact.name if contact else "", *(one.book_name for one in (person, contact) if one)]
    known_as = next(filter(None, names), "")
    own = chat.name or (person.push_name or person.business_name if person else "")
    if (known_as, own) != (chat.known_as, chat.name):
        chat.known_as, chat.name = known_as, own
        bell.changed(topics.chat(chat.id), topics.chats(chat.instance_id))


def by_address(people: Iterable[Person]) -> dict[str, Person]:
    """`people` by their numbers and by their LIDs."""
    people = list(people)
    found: dict[str, Person] = {}
    for one in people:
        if isinstance(one, Contact):
            for phone, lid in one.addresses[1:]:
                found.update((key, one) for key in keys_of(phone, lid))
    for one in people:  # a main number goes before what another contact has besides
        found.update((key, one) for key in keys_of(one.phone, one.lid))
    return found


def addresses_of(
    people: Iterable[Addressed],
) -> tuple[list[str | None], list[str | None]]:
    """All numbers and all LIDs of `people`."""
    known = [address for one in people for address in one.addresses]
    return [phone for phone, _ in known], [lid for _, lid in known]


def keys_of(phone: str | None, lid: str | None) -> list[str]:
    """How by_address calls these, as far as they are known."""
    return [key for key in (f"+{phone}" if phone else "", lid or "") if key]


def one_with(people: dict[str, Person], other: Chat | Contact | WhatsAppContact) -> Person | None:
    """The one of `people` (by_address) who has the number or the LID of `other`."""
    return people.get(f"+{other.phone}") or people.get(other.lid or "")
