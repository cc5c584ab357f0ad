"""What happened in a group, in one line."""

from __future__ import annotations

from flask_babel import gettext

from app.core.groups import ADMIN, OWNER
from app.core.texts import N_
from app.models import LinkedAccount, Message
from app.services.people_names import Names, Who, is_us
from app.ui.kinds import line_words

ROLES = {OWNER: N_("owner"), ADMIN: N_("admin")}


def note_sentence(message: Message, names: Names, account: LinkedAccount | None) -> str:
    """The note, with whom it happened to and who did it, by the names that contacts have now."""
    note = (message.details or {}).get("note", {})
    people = [_who(one) for one in note.get("people", ())]
    text = ", ".join(_name(who, names, account) for who in people) or message.body
    by = _who(note.get("by", (None, None)))
    sentence = line_words(message.kind, text)
    if not any(by) or by in people:
        return sentence
    return f"{sentence} · {_name(by, names, account)}"


def role_words(role: str) -> str:
    """What a member may do; empty for what everybody may."""
    return gettext(ROLES[role]) if role in ROLES else ""


def _name(who: Who, names: Names, account: LinkedAccount | None) -> str:
    if account is not None and is_us(account, who):
        return str(gettext("You"))
    return names.of(*who)


def _who(stored: object) -> Who:
    phone, lid = stored if isinstance(stored, list | tuple) else (None, None)
    return phone, lid
