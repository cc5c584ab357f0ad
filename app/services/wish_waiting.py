"""Waits for what becomes of a wish about a group or a person, so that pages and programs hear it at
once."""

from __future__ import annotations

from collections.abc import Callable

from app import topics
from app.core.errors import Conflict
from app.core.groups import OF_PERSONS
from app.core.texts import N_
from app.extensions import db
from app.models import GroupWish
from app.transaction import transaction
from app.waiting import wait_for

PATIENCE = 15.0
"""Seconds that somebody waits for WhatsApp's answer."""


def _why(sentence: str, *, code: str) -> tuple[str, str]:
    return code, sentence


# By the slugs of app/engine/errors.py: the code that programs are told, and the sentence.
_FAILURES = {
    "not_in_group": ("not_in_group", N_("You are not in this group.")),
    "not_allowed": (
        "not_an_admin",
        N_("WhatsApp did not allow this: only admins of the group may do it."),
    ),
    "bad_name": ("bad_group_name", N_("WhatsApp did not take this name.")),
    "not_connected": (
        "not_connected",
        N_("The connection to WhatsApp was lost. Look at the group before you try again."),
    ),
}
_FAILURES_WITH_PERSONS = {
    "not_on_whatsapp": _why(N_("This number is not on WhatsApp."), code="not_on_whatsapp"),
    "not_connected": ("not_connected", N_("The connection to WhatsApp was lost. Try again.")),
}


def fulfilled(ask: Callable[[], GroupWish]) -> GroupWish:
    """The wish that `ask` makes, once it was done. Raises what `ask` raises, and Conflict for one
    that WhatsApp refused or did not answer in time."""
    with transaction():
        wish_id = ask().id

    def answered() -> bool:
        return db.session.get_one(GroupWish, wish_id).answered_at is not None

    wait_for(answered, topic=topics.group_wish(wish_id), seconds=PATIENCE)
    wish = db.session.get_one(GroupWish, wish_id)
    of_person = wish.act in OF_PERSONS
    failures = _FAILURES_WITH_PERSONS if of_person else _FAILURES
    if wish.answered_at is None:
        text = N_("WhatsApp has not answered yet. Look at the group again in a moment.")
        if of_person:
            text = N_("WhatsApp has not answered yet. Look at the chat again in a moment.")
        raise Conflict(text, code="no_answer")
    if wish.failure in failures:
        code, sentence = failures[wish.failure]
        raise Conflict(sentence, code=code)
    if wish.failure is not None:
        raise Conflict(N_("WhatsApp did not do this."), code="refused_by_whatsapp")
    return wish
