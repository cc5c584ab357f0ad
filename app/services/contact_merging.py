"""Contacts that are one person made one: which number is the main one and which name stays is
chosen, tags and notes are joined, every number stays a way to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import delete, select, update

from app import bell, topics
from app.clock import utcnow
from app.core.errors import Invalid, NotFound
from app.core.naming import fold
from app.core.texts import N_
from app.extensions import db
from app.i18n import words
from app.models import Chat, Contact, ContactNumber, Instance, User, WhatsAppContact
from app.services import activity, contact_lists, naming
from app.services.contact_lists import Line
from app.services.contacts import checked_name, checked_note, checked_tags, contacts_of, former_of
from app.transaction import alone

MOST_MERGED = 10
"""Contacts that one contact may be made of."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What contacts become if nobody wants it otherwise."""

    lines: list[Line]  # the one whose number would be the main one first
    names: list[str]  # to choose from, the best one first
    tags: list[str]
    note: str

    @property
    def keeps(self) -> list[Contact]:
        """Those whose number can be the main one: all, or those who have one at all."""
        people = [line.person for line in self.lines if isinstance(line.person, Contact)]
        return [one for one in people if one.phone] or people


def proposal_of(instance: Instance, ids: Sequence[str]) -> Proposal:
    """What is shown before these contacts are merged. The rule: whoever has a number and was
    written with last gives the main number; the first name that was given here, else WhatsApp's;
    all tags, each once; all notes.

    Raises NotFound, Invalid (contact)."""
    people = list(dict.fromkeys(_found(instance, ids).values()))
    _check_number(people)
    lines = contact_lists.lines_of(instance, [*people])
    lines.sort(key=lambda one: one.last_at.timestamp() if one.last_at else 0.0, reverse=True)
    lines.sort(key=lambda one: one.person.phone is None)
    people = [line.person for line in lines if isinstance(line.person, Contact)]
    return Proposal(lines, _names_of(people), _tags_of(people), _note_of(people))


def merge(
    instance: Instance,
    ids: Sequence[str],
    *,
    keep: str,
    name: str | None = None,
    tags: Sequence[str] | None = None,
    note: str | None = None,
    keep_names: bool = True,
    actor: User | None = None,
) -> Contact:
    """The contact `keep` with all that the others had; they are gone, and their ids lead to it.
    What is None is joined by the rule of proposal_of; with `keep_names` the names that were given
    and are not taken go into the note. Done once more it changes nothing.

    Raises NotFound, Invalid (contact, keep, name, tags, note).
    """
    alone(contacts_of(instance.id))
    found = _found(instance, [*ids, keep])
    kept, people = found[keep], list(dict.fromkeys(found.values()))
    if len(people) == 1 and set(found) - {kept.id}:
        return kept  # merged before
    _check_number(people)
    if kept.phone is None and any(one.phone for one in people):
        message = N_("The main number cannot be one that WhatsApp hides.")
        raise Invalid(message, field="keep", code="keep_without_number")
    people.remove(kept)
    people.insert(0, kept)
    names = _names_of(people)
    chosen_name = checked_name(next(iter(names), "") if name is None else name)
    note = _note_of(people) if note is None else note
    note = checked_note(_with_names(note, people, chosen_name) if keep_names else note)
    tags = checked_tags(_tags_of(people) if tags is None else tags)
    kept.name, kept.note, kept.tags = chosen_name, note, list(tags)
    _take_in(instance, kept, people[1:])
    activity.record("contacts:person:merged", instance=instance, actor=actor, count=len(people))
    return kept


def _found(instance: Instance, ids: Sequence[str]) -> dict[str, Contact]:
    """The contacts by the ids they are asked for by, which may be of some that were merged."""
    ids = list(dict.fromkeys(ids))[: MOST_MERGED + 1]
    ours = Contact.instance_id == instance.id
    query = select(Contact).where(ours, Contact.id.in_(ids)).order_by(Contact.id)
    found = {one.id: one for one in db.session.scalars(query)}
    lost = [one for one in ids if one not in found]
    former = select(ContactNumber.id, Contact).join(Contact, Contact.id == ContactNumber.contact_id)
    if lost:
        for former_id, contact in db.session.execute(
            former.where(ours, ContactNumber.id.in_(lost))
        ):
            found[former_id] = contact
    if set(ids) - set(found):
        raise NotFound(N_("There is no such contact."), code="contact_not_found")
    return found


def _check_number(people: Sequence[Contact]) -> None:
    if len(people) < 2:
        message = N_("Choose at least two contacts that are the same person.")
        raise Invalid(message, field="contact", code="too_few_contacts")
    if sum(len(one.numbers) + 1 for one in people) > MOST_MERGED:
        message = N_("At most %(count)d contacts can be merged into one.")
        raise Invalid(message, field="contact", code="too_many_contacts", count=MOST_MERGED)


def _names_of(people: Sequence[Contact]) -> list[str]:
    """Names that were given here, then WhatsApp's, each once."""
    names: dict[str, str] = {}
    for fact in ("name", "book_name", "push_name", "business_name"):
        for one in people:
            names.setdefault(fold(getattr(one, fact)), getattr(one, fact))
    return list(filter(None, names.values()))


def _tags_of(people: Sequence[Contact]) -> list[str]:
    tags: dict[str, str] = {}
    for tag in chain.from_iterable(one.tags or [] for one in people):
        tags.setdefault(fold(tag), tag)
    return list(tags.values())


def _note_of(people: Sequence[Contact]) -> str:
    return "\n\n".join(dict.fromkeys(one.note for one in people if one.note))


def _with_names(note: str, people: Sequence[Contact], name: str) -> str:
    """`note`, and the names that were given and are not `name`."""
    given = {fold(one.name): one.name for one in people if one.name}
    given.pop(fold(name), None)
    also = words(N_("Also called: %(names)s"), {"names": ", ".join(given.values())})
    return "\n\n".join(filter(None, (note.strip(), also if given else "")))


def _take_in(instance: Instance, kept: Contact, others: Sequence[Contact]) -> None:
    """The others become numbers of `kept`."""
    ids, now = [one.id for one in others], utcnow()
    former = [person for one in (kept, *others) for person in former_of(one)]
    numbers = [
        {
            "id": one.id,
            "contact_id": kept.id,
            "instance_id": instance.id,
            "phone": one.phone,
            "lid": one.lid,
            "known_as": next(filter(None, (one.book_name, one.push_name, one.business_name)), ""),
            "merged_at": now,
        }
        for one in others
    ]
    options = {"synchronize_session": False}
    moved = update(ContactNumber).where(ContactNumber.contact_id.in_(ids))
    db.session.execute(moved.values(contact_id=kept.id), execution_options=options)
    for one in others:
        db.session.expunge(one)
    db.session.execute(delete(Contact).where(Contact.id.in_(ids)), execution_options=options)
    db.session.add_all(ContactNumber(**facts) for facts in numbers)
    db.session.flush()
    db.session.expire(kept, ["numbers"])
    _pair(instance, kept)
    kept.updated_at = now
    kept.index()
    naming.rename_chats(instance.id, former)
    bell.changed(topics.contacts(instance.id))


def _pair(instance: Instance, kept: Contact) -> None:
    """A LID that came alone goes to the number that WhatsApp says it is of."""
    people: list[Contact | ContactNumber] = [kept, *kept.numbers]
    for unnumbered in [one for one in kept.numbers if one.lid and not one.phone]:
        number = _number_of(instance, str(unnumbered.lid))
        owner = next((one for one in people if number and one.phone == number), None)
        if owner is not None and owner.lid is None:
            lid, unnumbered.lid = unnumbered.lid, None
            db.session.flush()
            owner.lid = lid


def _number_of(instance: Instance, lid: str) -> str | None:
    account_id = instance.account_id
    people = naming.find_people(
        WhatsAppContact, WhatsAppContact.account_id == account_id, [], [lid]
    )
    chats = naming.find_people(Chat, Chat.account_id == account_id, [], [lid])
    phones = [one.phone for one in people] + [one.phone for one in chats]
    return next(filter(None, phones), None)
