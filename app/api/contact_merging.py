"""Contacts that are likely one person, and making them one."""

from __future__ import annotations

from pydantic import Field

from app.api.blueprint import bp
from app.api.bodies import Answer, Body, takes
from app.api.contacts import PATH, TAGS, Contact, contact_shown, shown
from app.api.identity import caller
from app.services import contact_duplicates, contact_merging, instances
from app.services.contact_duplicates import Likeness
from app.services.contact_merging import MOST_MERGED
from app.transaction import again_when_beaten, transaction


class DuplicateQuery(Body):
    """Which page of them."""

    limit: int = Field(default=50, ge=1, le=200, description="How many names at most.")
    cursor: str | None = Field(
        default=None, max_length=1000, description="The nextCursor of the page before."
    )


class Merging(Body):
    """Which contacts are one person, and what becomes of them. What is left out is joined."""

    contact_ids: list[str] = Field(
        min_length=1, max_length=MOST_MERGED, description="Of contacts in the database."
    )
    keep: str = Field(description="The one whose number is the main one, and whose id stays.")
    name: str | None = Field(
        default=None, description="Null: the name given to `keep`, else the first of the others."
    )
    tags: list[str] | None = Field(default=None, description="Null: those of all.")
    note: str | None = Field(default=None, description="Null: those of all, one below the other.")
    keep_names: bool = Field(
        default=True, description="Write the other names that were given into the note."
    )


class Duplicates(Answer):
    """Contacts that are likely one person."""

    reason: Likeness = Field(
        description="same_person: WhatsApp knows both as one account. same_number: one number in "
        "two notations. same_name: maybe namesakes."
    )
    contacts: list[Contact]


class DuplicateList(Answer):
    """A page of them, the surest first."""

    items: list[Duplicates]
    next_cursor: str | None = Field(description="Ask with it for the next page; null at the end.")


@bp.get(f"{PATH}/duplicates")
@bp.input(DuplicateQuery, location="query", arg_name="query")
@bp.output(DuplicateList, description="Contacts that are likely one person.")
@bp.doc(operation_id="listDuplicateContacts", summary="List likely duplicates", tags=TAGS)
def list_duplicates(instance_id: str, query: DuplicateQuery) -> DuplicateList:
    """List likely duplicates

    Among the contacts of the database. A group has 10 contacts at most.
    """
    instance = instances.get_for(caller(), instance_id)
    found = contact_duplicates.page_of(instance, cursor=query.cursor, limit=query.limit)
    items = [
        Duplicates(reason=one.likeness, contacts=list(map(contact_shown, one.lines)))
        for one in found.groups
    ]
    return DuplicateList(items=items, next_cursor=found.next)


@bp.post(f"{PATH}/merge")
@takes(Merging, example={"contactIds": ["con_01", "con_02"], "keep": "con_01"})
@bp.output(Contact, description="The contact that they are now.")
@bp.doc(operation_id="mergeContacts", summary="Merge contacts", tags=TAGS)
def merge_contacts(instance_id: str, body: Merging) -> Contact:
    """Merge contacts

    Those of the database that are the same person. The others are gone: their numbers are
    otherNumbers of the one that is kept, their chats stay and have its name, their ids show it.
    Done once more it changes nothing.
    """
    return _merged(instance_id, body)


@again_when_beaten
def _merged(instance_id: str, body: Merging) -> Contact:
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        contact = contact_merging.merge(
            instance,
            body.contact_ids,
            keep=body.keep,
            name=body.name,
            tags=body.tags,
            note=body.note,
            keep_names=body.keep_names,
            actor=caller(),
        )
        return shown(instance, contact)
