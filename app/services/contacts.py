"""Contacts that are kept here, in the database: added, changed, deleted."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from app import bell, topics
from app.clock import utcnow
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.core.naming import fold
from app.core.phones import normalize_phone
from app.core.texts import N_
from app.extensions import db
from app.models import Contact, ContactNumber, Instance, WhatsAppContact
from app.models.contact import NAME_LENGTH
from app.services import naming

NOTE_LENGTH = 2000
MOST_TAGS, TAG_LENGTH = 10, 30


class ContactExists(Conflict):
    """The number is a contact already: `contact` is it."""

    code = "contact_exists"
    message = N_("There is a contact with this number already: %(name)s.")

    def __init__(self, contact: Contact):
        super().__init__(name=contact.shown_name)
        self.contact = contact


def contacts_of(instance_id: str) -> str:
    """What those name who change many contacts of an instance and want to be alone at it."""
    return f"contacts of {instance_id}"


def get_for(instance: Instance, contact_id: str, *, follow: bool = False) -> Contact:
    """The contact, if it is the instance's; with `follow` for the id of one that was merged the
    contact that it is part of now. Raises NotFound otherwise."""
    contact = db.session.get(Contact, contact_id)
    if contact is None and follow:
        merged = db.session.get(ContactNumber, contact_id)
        contact = db.session.get(Contact, merged.contact_id) if merged else None
    if contact is None or contact.instance_id != instance.id:
        raise NotFound(N_("There is no such contact."), code="contact_not_found")
    return contact


def add(
    instance: Instance, *, phone: str, name: str, country: str, update: bool = False
) -> Contact:
    """A new contact with what WhatsApp knows of the number. With `update` a contact that has the
    number already gets the name.

    Raises Invalid (phone, name), ContactExists.
    """
    number, name = _number(phone, country), checked_name(name)
    contact = _with_number(instance, number)
    if contact is not None:
        if not update:
            raise ContactExists(contact)
        contact.name = name or contact.name
    else:
        contact = _new(instance, number, name)
    _save(instance, contact)
    return contact


def change(
    instance: Instance,
    contact: Contact,
    *,
    phone: str,
    name: str,
    country: str,
    note: str | None = None,
    tags: Sequence[str] | None = None,
    drop: Sequence[str] = (),
) -> None:
    """Gives the contact this number and this name, and note and tags where there are any. Who has
    no known number may stay without. One of its other numbers changes places with the main one;
    those with an id in `drop` are forgotten.

    Raises Invalid (phone, name, note, tags), ContactExists when another contact has the number.
    """
    number = _number(phone, country) if phone.strip() or contact.phone else None
    name = checked_name(name)
    note = contact.note if note is None else checked_note(note)
    tags = contact.tags if tags is None else checked_tags(tags)
    other = _with_number(instance, number)
    if other is not None and other.id != contact.id:
        raise ContactExists(other)
    former = former_of(contact)
    if number != contact.phone:
        lid = _give_place(contact, number)
        _become(instance, contact, number)
        contact.lid = contact.lid or lid
    _forget_numbers(contact, drop)
    contact.name, contact.note, contact.tags = name, note, tags
    _save(instance, contact, *former)


def delete(instance: Instance, contact: Contact) -> None:
    """Forgets the contact. Its chat stays, under the name that WhatsApp has."""
    former = former_of(contact)
    db.session.delete(contact)
    _tell(instance, *former)


def former_of(contact: Contact) -> list[Contact]:
    """Whose chats have to be named anew when the contact is another one, or gone."""
    return [Contact(phone=phone, lid=lid) for phone, lid in contact.addresses]


def _save(instance: Instance, *people: Contact) -> None:
    people[0].updated_at = utcnow()
    people[0].index()
    _tell(instance, *people)


def _tell(instance: Instance, *people: Contact) -> None:
    """Lists and chats show what became of `people`."""
    naming.rename_chats(instance.id, people)
    bell.changed(topics.contacts(instance.id))


def _new(instance: Instance, number: str, name: str) -> Contact:
    now = utcnow()
    contact = Contact(
        id=new_id("con", now),
        instance_id=instance.id,
        name=name,
        book_name="",
        push_name="",
        business_name="",
        note="",
        tags=[],
        created_at=now,
    )
    _become(instance, contact, number)
    db.session.add(contact)
    return contact


def _become(instance: Instance, contact: Contact, number: str | None) -> None:
    """The contact is whoever has this number, with all that WhatsApp knows of them."""
    known = db.session.scalar(
        select(WhatsAppContact).where(
            WhatsAppContact.account_id == instance.account_id, WhatsAppContact.phone == number
        )
    )
    contact.phone = number
    contact.lid = known.lid if known and not _has_lid(instance, known.lid, contact) else None
    for fact in ("book_name", "push_name", "business_name"):
        setattr(contact, fact, getattr(known, fact) if known else "")


def _give_place(contact: Contact, number: str | None) -> str | None:
    """One of the other numbers that becomes the main one leaves its place to the main one; the LID
    that it had."""
    for other in contact.numbers:
        if number is not None and other.phone == number:
            lid, former = other.lid, (contact.phone, contact.lid)
            other.phone = other.lid = contact.phone = contact.lid = None
            db.session.flush()
            other.known_as = next(filter(None, contact.names[1:]), "")
            other.phone, other.lid = former
            return lid
    return None


def _forget_numbers(contact: Contact, ids: Sequence[str]) -> None:
    gone = [one for one in contact.numbers if one.id in ids]
    for one in gone:
        db.session.delete(one)
    if gone:
        db.session.flush()
        db.session.expire(contact, ["numbers"])


def _has_lid(instance: Instance, lid: str | None, but: Contact) -> bool:
    """Whether another contact has the LID: an import joins the two."""
    query = select(Contact.id).where(Contact.instance_id == instance.id, Contact.lid == lid)
    merged = select(ContactNumber.id).where(
        ContactNumber.instance_id == instance.id, ContactNumber.lid == lid
    )
    with db.session.no_autoflush:
        if lid is not None and db.session.scalar(merged) is not None:
            return True
        return db.session.scalar(query) not in {None, but.id}


def _with_number(instance: Instance, number: str | None) -> Contact | None:
    if number is None:
        return None
    found = naming.find_people(Contact, Contact.instance_id == instance.id, [number], [])
    return found[0] if found else None


def _number(phone: str, country: str) -> str:
    return normalize_phone(phone, country=country, field="phone")


def checked_name(name: str) -> str:
    """`name` as it is kept. Raises Invalid (name)."""
    name = " ".join(name.split())
    if len(name) > NAME_LENGTH:
        message = N_("The name may have at most %(count)d characters.")
        raise Invalid(message, field="name", code="name_too_long", count=NAME_LENGTH)
    return name


def checked_note(note: str) -> str:
    """`note` as it is kept. Raises Invalid (note)."""
    note = note.replace("\r\n", "\n").strip()
    if len(note) > NOTE_LENGTH:
        message = N_("The note may have at most %(count)d characters.")
        raise Invalid(message, field="note", code="note_too_long", count=NOTE_LENGTH)
    return note


def checked_tags(given: Sequence[str]) -> list[str]:
    """Each tag once, however its letters are written. Raises Invalid (tags)."""
    tags: dict[str, str] = {}
    for tag in filter(str.strip, given):
        tags.setdefault(fold(tag), " ".join(tag.split()))
    if len(tags) > MOST_TAGS:
        message = N_("A contact may have at most %(count)d tags.")
        raise Invalid(message, field="tags", code="too_many_tags", count=MOST_TAGS)
    if any(len(tag) > TAG_LENGTH for tag in tags.values()):
        message = N_("A tag may have at most %(count)d characters.")
        raise Invalid(message, field="tags", code="tag_too_long", count=TAG_LENGTH)
    return list(tags.values())
