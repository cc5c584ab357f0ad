"""Voting in the polls of a conversation: one press, one vote."""

from __future__ import annotations

from flask import request, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from app.core.errors import Invalid
from app.core.texts import N_
from app.models import Message
from app.models.message import FROM_UI
from app.services import amending, chats, messaging, polls
from app.transaction import hold, transaction
from app.ui.answers import see_other, wants_fragment
from app.ui.blueprint import bp
from app.ui.conversation import CHAT, acted
from app.ui.instances import owned


@bp.post(f"{CHAT}/messages/<message_id>/vote")
@login_required
def vote_in_poll(instance_id: str, chat_id: str, message_id: str) -> Response:
    """Queues our vote: the answer of number `add` is chosen, or that of `drop` no more. Where one
    may be chosen it takes the place of the one before."""
    instance = owned(instance_id)
    chat = chats.get_for(instance, chat_id)
    with transaction():
        message = messaging.get_for(instance, message_id)
        hold(message)  # two presses at once: the second one adds to the first
        before = amending.choice_of_ours(message)
        chosen = _choice(message, before)
        if chosen != before:
            amending.vote(message, chosen, source=FROM_UI)
    if not wants_fragment():
        return see_other(url_for("ui.show_chat", instance_id=instance_id, chat_id=chat_id))
    return acted(instance, chat)


def _choice(message: Message, before: list[str]) -> list[str]:
    """What is chosen by now, in the order of the poll."""
    options = polls.options_of(message)
    if "drop" in request.form:
        dropped = _option(options, "drop")
        return [option for option in before if option != dropped]
    added = _option(options, "add")
    kept = before if polls.choices_of(message) > 1 else []
    return [option for option in options if option in kept or option == added]


def _option(options: list[str], field: str) -> str:
    number = request.form.get(field, type=int)
    if number is None or not 0 <= number < len(options):
        text = N_("The poll has no such answer.")
        raise Invalid(text, field="options", code="unknown_option")
    return options[number]
