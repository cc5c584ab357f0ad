"""What a message's stanza tells of its kind, beside what is encrypted."""

from __future__ import annotations

from typing import Any

from app.sandbox import amendments, cards, contents
from app.sandbox.media import attachments
from app.sandbox.media.kinds import FORMS
from app.sandbox.wire.node import Value


def kind_attrs(message: Any) -> dict[str, Value]:
    """Return the attributes of a message's stanza that tell what kind of message it is."""
    kinds = {"reaction": "reaction", "poll": "poll", "vote": "poll"}
    kind = kinds.get(contents.kind_of(message)) or ("media" if mediatype_of(message) else "text")
    edit = amendments.edit_attribute(message)
    return {"type": kind, "edit": edit} if edit else {"type": kind}


def mediatype_of(message: Any) -> str:
    """Return what the encrypted part says of a file or card, "" for other messages."""
    found = attachments.find(message)
    if found:
        return FORMS[found[0].kind].mediatype
    return cards.MEDIATYPES.get(contents.kind_of(message), "")
