"""People who are named in a text with an @. In a text that goes out, `@` and a member's number
stand for the member; WhatsApp wants the LID there, and a list of who is meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy import or_, select

from app.core.phones import lid_jid, phone_jid
from app.extensions import db
from app.models import Chat, GroupMember, Message
from app.services.people_names import Names, Who

_NAMED = re.compile(r"(?<![\w@])@\+?(\d{5,20})(?!\w)")
MOST = 256
"""People who are named in one message."""


def of_text(chat: Chat, text: str) -> list[Who]:
    """Members of the group whom `text` names by number or LID; nobody in a chat of two."""
    numbers = list(dict.fromkeys(_NAMED.findall(text)))[:MOST] if chat.is_group else []
    if not numbers:
        return []
    query = select(GroupMember.phone, GroupMember.lid).where(
        GroupMember.chat_id == chat.id,
        or_(GroupMember.phone.in_(numbers), GroupMember.lid.in_(numbers)),
    )
    return [(phone, lid) for phone, lid in db.session.execute(query)]


def jids_in(message: Message) -> Iterator[str]:
    """The JIDs of those who are named in the message."""
    for phone, lid in message.mentions or ():
        yield lid_jid(lid) if lid else phone_jid(phone)


def sent_text(message: Message) -> str:
    """The text as WhatsApp wants it: named by LID where that is known."""
    lids = {phone: lid for phone, lid in message.mentions or () if phone and lid}
    if not lids:
        return message.body
    return _NAMED.sub(lambda found: f"@{lids.get(found[1], found[1])}", message.body)


def shown_text(message: Message, names: Names) -> str:
    """The text with names in the place of numbers and LIDs."""
    found: dict[str, str] = {}
    for phone, lid in message.mentions or ():
        name = names.of(phone, lid)
        found |= {one: name for one in (phone, lid) if one}
    if not found:
        return message.body
    return _NAMED.sub(lambda one: f"@{found[one[1]]}" if one[1] in found else one[0], message.body)
