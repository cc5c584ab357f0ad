"""Sending what is no text and no file: a place, contact cards, a poll."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from app.config import current_settings
from app.core.details import Said
from app.core.errors import Conflict, Invalid
from app.models import Chat, Instance
from app.models.message import FROM_UI
from app.services import chats, messaging
from app.transaction import again_when_beaten, transaction
from app.ui.answers import question, respond, wants_fragment
from app.ui.blueprint import bp
from app.ui.conversation import CHAT, acted
from app.ui.instances import owned
from app.ui.saying_forms import CardsForm, PlaceForm, PollForm, SayingForm, people_to_choose
from app.ui.sending import key_of_page

_FRAGMENTS: dict[type[SayingForm], str] = {
    PlaceForm: "chat/_place.html",
    CardsForm: "chat/_cards.html",
    PollForm: "chat/_poll.html",
}


@bp.get(f"{CHAT}/location")
@login_required
def new_location(instance_id: str, chat_id: str) -> Response:
    """The form for a place."""
    return _new(instance_id, chat_id, PlaceForm)


@bp.post(f"{CHAT}/location")
@login_required
def send_location(instance_id: str, chat_id: str) -> Response:
    """Queues a place."""
    return _send(instance_id, chat_id, PlaceForm())


@bp.get(f"{CHAT}/poll")
@login_required
def new_poll(instance_id: str, chat_id: str) -> Response:
    """The form for a poll."""
    return _new(instance_id, chat_id, PollForm)


@bp.post(f"{CHAT}/poll")
@login_required
def send_poll(instance_id: str, chat_id: str) -> Response:
    """Queues a poll."""
    return _send(instance_id, chat_id, PollForm())


@bp.get(f"{CHAT}/cards")
@login_required
def new_cards(instance_id: str, chat_id: str) -> Response:
    """The form for contact cards."""
    return _new(instance_id, chat_id, CardsForm)


@bp.get(f"{CHAT}/cards/found")
@login_required
def find_cards(instance_id: str, chat_id: str) -> Response:
    """The people whose cards may be sent: those chosen already, and those who are found."""
    instance = owned(instance_id)
    chats.get_for(instance, chat_id)
    return respond(
        "chat/_cards_found.html",
        page=url_for("ui.new_cards", instance_id=instance_id, chat_id=chat_id),
        **_people(instance),
    )


@bp.post(f"{CHAT}/cards")
@login_required
def send_cards(instance_id: str, chat_id: str) -> Response:
    """Queues contact cards. Without scripts it is also the search among the contacts."""
    form = CardsForm()
    if "find" in request.form:
        form.q.render_kw = {"autofocus": True}
        instance = owned(instance_id)
        return _shown(instance, chats.get_for(instance, chat_id), form)
    return _send(instance_id, chat_id, form)


def _new(instance_id: str, chat_id: str, kind: type[SayingForm]) -> Response:
    instance = owned(instance_id)
    chat = chats.get_for(instance, chat_id)
    form = kind(formdata=None, data={"reply_to": request.args.get("reply_to", "")})
    return _shown(instance, chat, form)


def _send(instance_id: str, chat_id: str, form: SayingForm) -> Response:
    instance = owned(instance_id)
    chats.get_for(instance, chat_id)
    said = form.read(instance)
    if said is None:
        return _wrong(instance_id, chat_id, form, Invalid.status)
    try:
        _queue(instance_id, chat_id, form, said)
    except (Invalid, Conflict) as error:
        form.show(error)
        return _wrong(instance_id, chat_id, form, error.status)
    return _sent(owned(instance_id), chat_id)


@again_when_beaten
def _queue(instance_id: str, chat_id: str, form: SayingForm, said: Said) -> None:
    """Of two requests of one form, which may come at once, the second finds what the first left."""
    with transaction():
        instance = owned(instance_id)
        messaging.queue_details_in(
            instance,
            chats.get_for(instance, chat_id),
            said,
            source=FROM_UI,
            country=current_settings().default_country,
            idempotency_key=key_of_page(),
            reply_to=form.reply_to.data,
        )


def _sent(instance: Instance, chat_id: str) -> Response:
    """The dialog goes, and the bubble comes into the conversation behind it."""
    response = acted(instance, chats.get_for(instance, chat_id))
    if wants_fragment():
        response.headers["HX-Retarget"] = "#news"
        response.headers["HX-Reswap"] = "outerHTML"
        response.headers["HX-Trigger-After-Swap"] = "answered, said"
    return response


def _wrong(instance_id: str, chat_id: str, form: SayingForm, status: int) -> Response:
    instance = owned(instance_id)
    form.focus_first_wrong()
    return _shown(instance, chats.get_for(instance, chat_id), form, status)


def _shown(instance: Instance, chat: Chat, form: SayingForm, status: int = 200) -> Response:
    part = _FRAGMENTS[type(form)]
    more = _people(instance) if isinstance(form, CardsForm) else {}
    return question(
        part,
        "chat/saying.html",
        status=status,
        part=part,
        instance=instance,
        chat=chat,
        form=form,
        **more,
    )


def _people(instance: Instance) -> dict[str, Any]:
    chosen, found = people_to_choose(instance)
    return {"chosen": chosen, "found": found, "asked": request.values.get("q", "").strip()}
