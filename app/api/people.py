"""What WhatsApp knows of people: whether a number has an account, and pictures."""

from __future__ import annotations

from typing import Any

from flask import Response
from pydantic import Field

from app import models, topics
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, takes
from app.api.identity import caller
from app.config import current_settings
from app.core.errors import Conflict
from app.core.phones import lid_jid, normalize_phone, phone_jid
from app.core.states import InstanceState
from app.core.texts import N_
from app.extensions import db
from app.security.files import picture_of
from app.services import chats, instances, number_checks, profile_pictures
from app.transaction import transaction
from app.waiting import wait_for

TAGS = ["Contacts"]
MOST = 20
PATIENCE = 20
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The picture.",
        "content": {"image/jpeg": {}, "image/png": {}},
    },
    304: {"description": "It is the one that If-None-Match names."},
}


class Numbers(Body):
    """Whom to look for."""

    phones: list[str] = Field(
        min_length=1, max_length=MOST, description="Numbers in any notation, 1 to 20."
    )


class Checked(Answer):
    """What WhatsApp says of a number."""

    phone: str = Field(description="Digits.", examples=["79161234567"])
    exists: bool | None = Field(
        description="Whether it is on WhatsApp; null where WhatsApp did not say in time."
    )
    chat_id: str = Field(description="The WhatsApp id to write to.")
    lid: str | None = Field(description="WhatsApp's id that is not the number, if it told it.")


class CheckedList(Answer):
    """What WhatsApp says of each, in their order."""

    items: list[Checked]


@bp.post("/instances/<instance_id>/contacts/check")
@takes(Numbers, example={"phones": ["+7 916 123-45-67"]})
@bp.output(CheckedList, description="What WhatsApp says.")
@bp.doc(operation_id="checkNumbers", summary="Check who is on WhatsApp", tags=TAGS)
def check_numbers(instance_id: str, body: Numbers) -> CheckedList:
    """Check who is on WhatsApp

    Asks WhatsApp, and waits up to 20 seconds; the instance must be connected. WhatsApp does not
    like to be asked about many people whom nobody writes to.
    """
    phones = [_digits(phone) for phone in body.phones]
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        if instance.instance_state is not InstanceState.CONNECTED:
            text = N_("Numbers can be checked only while the instance is connected.")
            raise Conflict(text, code="not_connected")
        asked = {phone: number_checks.ask(instance, phone).id for phone in dict.fromkeys(phones)}

    def answered() -> bool:
        return all(_check(one).answered_at is not None for one in asked.values())

    wait_for(answered, topic=topics.contacts(instance_id), seconds=PATIENCE)
    return CheckedList(items=[_shown(_check(asked[phone])) for phone in phones])


@bp.get("/instances/<instance_id>/chats/<chat_id>/photo")
@bp.doc(operation_id="getPhoto", summary="Get a profile picture", tags=TAGS, responses=_ANSWERS)
def show_photo(instance_id: str, chat_id: str) -> Response:
    """Get a profile picture

    Of a chat: of its person, or of its group. One that is not here, or is a day old, is asked for;
    a first time that takes some seconds, so ask again after a 404. People without a picture, and
    those who show it to contacts alone, have none.
    """
    instance = instances.get_for(caller(), instance_id)
    chat = chats.addressed(instance, chat_id, country=current_settings().default_country)
    unknown = profile_pictures.unknown_of(instance, [chat])
    if unknown and current_settings().profile_pictures:
        with transaction():
            profile_pictures.want(instance.id, unknown)
    return picture_of(profile_pictures.stored_of(chat))


def _digits(phone: str) -> str:
    return normalize_phone(phone, country=current_settings().default_country, field="phones")


def _check(check_id: str) -> models.NumberCheck:
    return db.session.get_one(models.NumberCheck, check_id)


def _shown(check: models.NumberCheck) -> Checked:
    return Checked(
        phone=check.phone,
        exists=check.registered,
        chat_id=phone_jid(check.phone),
        lid=lid_jid(check.lid) if check.lid else None,
    )
