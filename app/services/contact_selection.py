"""Many contacts at once: those that were chosen one by one, or all that a search finds."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete as remove
from sqlalchemy import func, select

from app import bell, topics
from app.clock import utcnow
from app.core.errors import Invalid
from app.core.naming import fold
from app.core.texts import N_
from app.extensions import db
from app.models import Contact, Instance
from app.services import naming
from app.services.contact_lists import fits
from app.services.contacts import MOST_TAGS, checked_tags, former_of

BATCH = 500
"""Contacts that are changed in one transaction. More of them are changed in the background: see
contact_tasks.py."""


def chosen(
    instance: Instance, ids: Sequence[str], *, all_found: bool, text: str, country: str
) -> list[str]:
    """The ids of the contacts that are meant: `ids`, as far as they are the instance's, or with
    `all_found` all that a search for `text` finds, BATCH at most. Raises Invalid for none."""
    query = select(Contact.id).where(Contact.instance_id == instance.id)
    if all_found:
        query = query.where(*fits(Contact, text, country))
    else:
        query = query.where(Contact.id.in_(list(ids)[:BATCH]))
    found = list(db.session.scalars(query.order_by(Contact.id).limit(BATCH)))
    if not found:
        raise Invalid(N_("Choose contacts first."), field="contact", code="nothing_chosen")
    return found


def count_of(instance: Instance, *, text: str, country: str) -> int:
    """How many contacts a search for `text` finds."""
    query = select(func.count()).where(Contact.instance_id == instance.id)
    return db.session.scalar(query.where(*fits(Contact, text, country))) or 0


def tag(instance: Instance, ids: Sequence[str], given: str) -> int:
    """Gives these contacts a tag; how many did not have it. Who has all tags that there may be is
    left as they are. Raises Invalid (tags)."""
    one = one_tag(given)
    changed = []
    for contact in _contacts(instance, ids):
        tags = contact.tags or []
        if fold(one) not in map(fold, tags) and len(tags) < MOST_TAGS:
            contact.tags = [*tags, one]
            changed.append(contact)
    return _save(instance, changed)


def untag(instance: Instance, ids: Sequence[str], given: str) -> int:
    """Takes a tag from these contacts; how many had it. Raises Invalid (tags)."""
    one = fold(one_tag(given))
    changed = []
    for contact in _contacts(instance, ids):
        tags = [other for other in contact.tags or [] if fold(other) != one]
        if len(tags) != len(contact.tags or []):
            contact.tags = tags
            changed.append(contact)
    return _save(instance, changed)


def delete(instance: Instance, ids: Sequence[str]) -> int:
    """Forgets these contacts; how many there were. Their chats stay."""
    contacts = _contacts(instance, ids)
    former = [person for one in contacts for person in former_of(one)]
    db.session.execute(remove(Contact).where(Contact.id.in_([one.id for one in contacts])))
    naming.rename_chats(instance.id, former)
    bell.changed(topics.contacts(instance.id))
    return len(contacts)


def _contacts(instance: Instance, ids: Sequence[str]) -> list[Contact]:
    query = select(Contact).where(Contact.instance_id == instance.id, Contact.id.in_(ids))
    return list(db.session.scalars(query.with_for_update()))


def one_tag(given: str) -> str:
    """The tag that was typed. Raises Invalid (tags)."""
    tags = checked_tags([given.replace(",", " ")])
    if not tags:
        raise Invalid(N_("Write the tag."), field="tags", code="tag_missing")
    return tags[0]


def _save(instance: Instance, changed: list[Contact]) -> int:
    for contact in changed:
        contact.updated_at = utcnow()
        contact.index()
    if changed:
        bell.changed(topics.contacts(instance.id))
    return len(changed)
