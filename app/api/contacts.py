"""Contacts: WhatsApp's, and those kept here, which are added, changed and deleted."""

from __future__ import annotations

from pydantic import Field

from app import models
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment, takes
from app.api.identity import caller
from app.config import current_settings
from app.core.events import iso
from app.services import contact_lists, contacts, erasures, instances
from app.services.contact_lists import Line, Order, Source, Wish
from app.transaction import transaction

TAGS = ["Contacts"]
PATH = "/instances/<instance_id>/contacts"
_ONE = f"{PATH}/<contact_id>"
EXAMPLE = {"phone": "+7 916 123-45-67", "name": "Maria Ivanova"}


class ContactQuery(Body):
    """Which contacts, in which order, and which page of them."""

    source: Source = Field(
        default=Source.WHATSAPP,
        description="whatsapp: whom the linked account knows; database: who is kept here.",
    )
    search: str = Field(
        default="", max_length=100, description="Any part of a name, or a number in any notation."
    )
    sort: Order = Field(default=Order.NAME)
    limit: int = Field(default=50, ge=1, le=200, description="How many at most.")
    cursor: str | None = Field(
        default=None, max_length=1000, description="The nextCursor of the page before."
    )


class NewContact(Body):
    """A contact to keep."""

    phone: str = Field(max_length=40, description="In any notation.")
    name: str = Field(default="", description="Up to 100 characters.")
    update: bool = Field(
        default=False, description="Give the name to the contact that has the number already."
    )


class ContactFacts(Body):
    """What a contact is to be."""

    phone: str = Field(max_length=40, description="In any notation.")
    name: str = Field(description="Empty: the name that WhatsApp has.")
    note: str | None = Field(default=None, description="Up to 2000 characters; null leaves it.")
    tags: list[str] | None = Field(
        default=None, description="At most 10, of 30 characters; null leaves them."
    )
    drop: list[str] = Field(
        default=[],
        max_length=10,
        description="Ids out of otherNumbers that are to be forgotten. One of their numbers as "
        "`phone` changes places with the main one.",
    )


class NumberToErase(Body):
    """The contact's number, once more: what is erased does not come back."""

    phone: str = Field(max_length=40, description="In any notation; of one without it the LID.")


class OtherNumber(Answer):
    """A number of a contact besides its main one: of another one that was merged into it."""

    id: str = Field(description="Of the contact that was; it leads to this one.")
    phone: str | None
    lid: str | None
    chat_id: str = Field(description="The WhatsApp id to write to.")


class Contact(Answer):
    """A person."""

    id: str
    source: Source
    name: str = Field(description="The best name there is; the number where there is none.")
    saved_name: str = Field(description="The name that was given here.")
    book_name: str = Field(description="What the phone's address book calls them.")
    push_name: str = Field(description="What they call themselves.")
    is_business: bool
    note: str
    tags: list[str]
    phone: str | None = Field(description="Digits; null where WhatsApp hides the number.")
    lid: str | None = Field(description="WhatsApp's id that is not the number, if known.")
    other_numbers: list[OtherNumber]
    chat_id: str = Field(description="The WhatsApp id to write to.")
    last_message_at: Moment | None


class ContactList(Answer):
    """A page of contacts."""

    items: list[Contact]
    next_cursor: str | None = Field(description="Ask with it for the next page; null at the end.")


@bp.get(PATH)
@bp.input(ContactQuery, location="query", arg_name="query")
@bp.output(ContactList, description="The contacts.")
@bp.doc(operation_id="listContacts", summary="List contacts", tags=TAGS)
def list_contacts(instance_id: str, query: ContactQuery) -> ContactList:
    """List contacts

    Of one source, page by page. What WhatsApp knows is listed while the session is not connected,
    too.
    """
    instance = instances.get_for(caller(), instance_id)
    wish = Wish(query.source, query.search.strip(), query.sort, query.cursor, query.limit)
    page = contact_lists.page_of(instance, wish, country=current_settings().default_country)
    return ContactList(items=list(map(contact_shown, page.lines)), next_cursor=page.next)


@bp.post(PATH)
@takes(NewContact, example=EXAMPLE)
@bp.output(Contact, status_code=201, description="The contact.")
@bp.doc(operation_id="addContact", summary="Add a contact", tags=TAGS)
def add_contact(instance_id: str, body: NewContact) -> Contact:
    """Add a contact

    To the database. Answers 409 contact_exists when a contact has the number already, unless
    `update` is true.
    """
    country = current_settings().default_country
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        contact = contacts.add(
            instance, phone=body.phone, name=body.name, country=country, update=body.update
        )
    return shown(instance, contact)


@bp.get(_ONE)
@bp.output(Contact, description="The contact.")
@bp.doc(operation_id="getContact", summary="Show a contact", tags=TAGS)
def show_contact(instance_id: str, contact_id: str) -> Contact:
    """Show a contact

    One of the database. The id of one that was merged shows the contact that it is part of.
    """
    instance = instances.get_for(caller(), instance_id)
    return shown(instance, contacts.get_for(instance, contact_id, follow=True))


@bp.put(_ONE)
@takes(ContactFacts, example=EXAMPLE)
@bp.output(Contact, description="The contact as it is now.")
@bp.doc(operation_id="updateContact", summary="Change a contact", tags=TAGS)
def update_contact(instance_id: str, contact_id: str, body: ContactFacts) -> Contact:
    """Change a contact

    One of the database. Answers 409 contact_exists when another contact has the number.
    """
    country = current_settings().default_country
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        contact = contacts.get_for(instance, contact_id)
        facts = body.model_dump()
        contacts.change(instance, contact, country=country, **facts)
    return shown(instance, contact)


@bp.delete(_ONE)
@bp.output({}, status_code=204, description="The contact is gone.")
@bp.doc(operation_id="deleteContact", summary="Delete a contact", tags=TAGS)
def delete_contact(instance_id: str, contact_id: str) -> str:
    """Delete a contact

    From the database; the phone's address book and the chat stay as they are.
    """
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        contacts.delete(instance, contacts.get_for(instance, contact_id))
    return ""


@bp.post(f"{_ONE}/erase")
@takes(NumberToErase, example={"phone": "+7 916 123-45-67"})
@bp.output({}, status_code=204, description="Nothing of the person is left.")
@bp.doc(operation_id="eraseContact", summary="Erase all that is known of a contact", tags=TAGS)
def erase_contact(instance_id: str, contact_id: str, body: NumberToErase) -> str:
    """Erase all that is known of a contact

    Contact, chats, messages and files, calls, reactions and events for webhooks that speak of the
    person. Answers 422 number_differs unless phone is the contact's.
    """
    erasures.erase(
        lambda: instances.get_for(caller(), instance_id),
        contact_id,
        typed=body.phone,
        actor=caller(),
    )
    return ""


def contact_shown(line: Line) -> Contact:
    """A line of a list as the API shows it."""
    person = line.person
    ours = isinstance(person, models.Contact)
    return Contact.model_validate(
        {
            "id": person.id,
            "source": Source.DATABASE if ours else Source.WHATSAPP,
            "name": person.shown_name,
            "savedName": person.name if isinstance(person, models.Contact) else "",
            "bookName": person.book_name,
            "pushName": person.push_name,
            "isBusiness": bool(person.business_name),
            "note": person.note if isinstance(person, models.Contact) else "",
            "tags": person.words,
            "otherNumbers": [
                {"id": one.id, "phone": one.phone, "lid": one.lid, "chatId": one.jid}
                for one in (person.other_numbers if isinstance(person, models.Contact) else ())
            ],
            "phone": person.phone,
            "lid": person.lid,
            "chatId": person.jid,
            "lastMessageAt": iso(line.last_at) if line.last_at else None,
        }
    )


def shown(instance: models.Instance, contact: models.Contact) -> Contact:
    """A contact of the database as the API shows it."""
    (line,) = contact_lists.lines_of(instance, [contact])
    return contact_shown(line)
