"""What to call people who are no chat of their own: members of groups, and who writes there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select

from app.core.phones import show_phone
from app.extensions import db
from app.models import Chat, Contact, GroupMember, LinkedAccount, Message, WhatsAppContact
from app.services.naming import Person, by_address, find_people

Who = tuple[str | None, str | None]
"""A number's digits and the user part of a LID; either may be unknown."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names that contacts have for some people, by the rule of the house: the one saved here,
    the one of WhatsApp's address book, what they call themselves, the number."""

    saved: Mapping[str, Contact] = field(default_factory=dict)
    known: Mapping[str, WhatsAppContact] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    """Of those who were named by LID alone, where the group knows more."""
    said: Mapping[str, str] = field(default_factory=dict)
    """What people called themselves in messages, by LID and by number."""

    def of(self, phone: str | None, lid: str | None, said: str = "") -> str:
        """The name; `said` is what the person called themselves in a message. "" for nobody."""
        phone = phone or self.numbers.get(lid or "")
        contact, person = _one(self.saved, phone, lid), _one(self.known, phone, lid)
        found = [
            contact.name if contact else "",
            *(one.book_name for one in (person, contact) if one),
        ]
        said = said or self.said.get(lid or "") or self.said.get(phone or "") or ""
        found += [said, *((person.push_name, person.business_name) if person else ())]
        number = phone or (person.phone if person else None) or (contact.phone if contact else None)
        return next(filter(None, found), "") or show_phone(number) or (f"~{lid}" if lid else "")


def is_us(account: LinkedAccount, who: Who) -> bool:
    """Whether somebody is the account itself."""
    phone, lid = who
    return bool((lid and lid == account.lid) or (phone and phone == account.phone))


def names_of(chat: Chat, people: Collection[Who]) -> Names:
    """The names for `people` of the group `chat`: five queries at most, none for nobody."""
    people = {who for who in people if any(who)}
    if not people:
        return Names()
    numbers = _numbers(chat, {lid for phone, lid in people if lid and not phone})
    phones = {phone for phone, _ in people} | set(numbers.values())
    lids = {lid for _, lid in people}
    saved = find_people(Contact, Contact.instance_id == chat.instance_id, phones, lids)
    ours = WhatsAppContact.account_id == chat.account_id
    known = find_people(WhatsAppContact, ours, phones, lids)
    return Names(by_address(saved), by_address(known), numbers)


def names_in(chat: Chat, messages: Sequence[Message]) -> Names:
    """The names for everybody who has to do with these messages of `chat`; none where it is not a
    group: there nobody but the chat's own person writes."""
    if not chat.is_group:
        return Names()
    people: set[Who] = set()
    for message in messages:
        people.add((message.sender_phone, message.sender_lid))
        people |= {(one.phone, one.lid) for one in message.reactions if not one.from_me}
        people |= {(one.phone, one.lid) for one in message.poll_votes if not one.from_me}
        if message.quote and not message.quote.from_me:
            people.add((message.quote.author_phone, message.quote.author_lid))
        people |= {(phone, lid) for phone, lid in message.mentions or ()}
        if message.is_note:
            note = (message.details or {}).get("note", {})
            people |= {(phone, lid) for phone, lid in (*note["people"], note["by"])}
    names = names_of(chat, people)
    said = {
        key: one.sender_name
        for one in messages
        if one.sender_name
        for key in (one.sender_lid, one.sender_phone)
        if key
    }
    return replace(names, said=said)


def _numbers(chat: Chat, lids: Collection[str]) -> dict[str, str]:
    """Of the members with these LIDs, the numbers that are known."""
    if not lids:
        return {}
    query = select(GroupMember.key, GroupMember.phone).where(
        GroupMember.chat_id == chat.id, GroupMember.key.in_(lids), GroupMember.phone.is_not(None)
    )
    return {key: phone for key, phone in db.session.execute(query) if phone}


def _one(people: Mapping[str, Person], phone: str | None, lid: str | None) -> Person | None:
    return people.get(f"+{phone}") or people.get(lid or "")
