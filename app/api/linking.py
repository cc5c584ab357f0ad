"""Linking a phone to an instance, and the session that follows from it."""

from __future__ import annotations

import base64

from pydantic import Field

from app import models, topics
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment, takes
from app.api.identity import caller
from app.api.instance_shapes import State, Status, status_shown
from app.config import current_settings
from app.core.errors import Conflict
from app.core.events import iso
from app.core.texts import N_
from app.models import Pairing
from app.qr_code import svg_of
from app.services import instances, pairings, sessions
from app.transaction import transaction
from app.waiting import LONGEST, wait_for

TAGS = ["Linking"]


class FirstCode(Body):
    """How long to wait for the first code."""

    wait: int = Field(
        default=5, ge=0, le=LONGEST, description="Seconds to wait for a code, up to 30."
    )


class QrCode(Answer):
    """The code to scan with WhatsApp on the phone."""

    state: State
    qr: str | None = Field(description="The text inside the QR code; null until there is one.")
    image: str | None = Field(description="The same as a picture: an SVG in a data URL.")
    expires_at: Moment | None = Field(description="When the next code replaces it.")


@bp.get("/instances/<instance_id>/qr")
@bp.input(FirstCode, location="query", arg_name="query")
@bp.output(QrCode, description="The newest code of the running attempt.")
@bp.doc(operation_id="getQrCode", summary="Get the QR code", tags=TAGS)
def show_qr(instance_id: str, query: FirstCode) -> QrCode:
    """Get the QR code

    Starts an attempt to link a phone by QR code if none runs. Codes change: ask again when one
    expires, and at least every 30 seconds, or the attempt ends. Answers 409 already_linked once a
    phone is linked.
    """
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        _refuse_when_linked(instance)
        pairings.start_by_qr(instance, actor=caller())
    if query.wait:
        _wait_for_code(instance, query.wait)
    pairing = pairings.active_of(instance)
    code = pairing.code if pairing else None
    return QrCode(
        state=instance.instance_state.value,
        qr=code,
        image=_picture(code) if code else None,
        expires_at=_expiry(pairing),
    )


class PhoneToLink(Body):
    """The phone to type a code on."""

    phone: str = Field(max_length=40, description="Its number, in any notation.")


class PhoneCode(Answer):
    """The code to type on the phone."""

    state: State
    phone: str = Field(description="The number it is made for.", examples=["+79161234567"])
    code: str | None = Field(
        description="Two groups of four; null until there is one.", examples=["ABCD-1234"]
    )
    expires_at: Moment | None


@bp.post("/instances/<instance_id>/pair-code")
@bp.input(FirstCode, location="query", arg_name="query")
@takes(PhoneToLink, example={"phone": "+7 916 123-45-67"})
@bp.output(PhoneCode, description="The code, or null while there is none.")
@bp.doc(operation_id="getPhoneCode", summary="Get a code to type on the phone", tags=TAGS)
def show_phone_code(instance_id: str, query: FirstCode, body: PhoneToLink) -> PhoneCode:
    """Get a code to type on the phone

    The other way to link, where nobody can hold the phone before a screen. Starts an attempt for
    this number, in place of one that runs. Ask again at least every 30 seconds, or it ends.
    """
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        _refuse_when_linked(instance)
        pairing = pairings.start_by_phone_code(
            instance,
            phone=body.phone,
            country=current_settings().default_country,
            actor=caller(),
        )
    if query.wait:
        _wait_for_code(instance, query.wait)
    running = pairings.active_of(instance)
    return PhoneCode(
        state=instance.instance_state.value,
        phone=f"+{pairing.phone}",
        code=running.code if running else None,
        expires_at=_expiry(running),
    )


@bp.get("/instances/<instance_id>/status")
@bp.output(Status, description="The state.")
@bp.doc(operation_id="getStatus", summary="Show the state", tags=TAGS)
def show_status(instance_id: str) -> Status:
    """Show the state"""
    return status_shown(instances.get_for(caller(), instance_id))


@bp.post("/instances/<instance_id>/reconnect")
@bp.output(Status, status_code=202, description="It is under way.")
@bp.doc(operation_id="reconnectInstance", summary="Reconnect", tags=TAGS)
def reconnect(instance_id: str) -> Status:
    """Reconnect

    Connects again where a phone is linked, closing a connection that stands; else starts an
    attempt to link one.
    """
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        sessions.reconnect(instance, actor=caller())
    return status_shown(instance)


@bp.post("/instances/<instance_id>/logout")
@bp.output(Status, status_code=202, description="It is under way.")
@bp.doc(operation_id="logOutInstance", summary="Log out", tags=TAGS)
def log_out(instance_id: str) -> Status:
    """Log out

    Unlinks the phone: the device disappears from its list of linked devices. Chats stay here.
    """
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        sessions.log_out(instance, actor=caller())
    return status_shown(instance)


def _refuse_when_linked(instance: models.Instance) -> None:
    if sessions.linked_account(instance) is not None:
        raise Conflict(N_("A phone is linked to this instance already."), code="already_linked")


def _wait_for_code(instance: models.Instance, seconds: int) -> None:
    def settled() -> bool:
        pairing = pairings.active_of(instance)
        return pairing is None or pairing.code is not None

    wait_for(settled, topic=topics.instance(instance.id), seconds=seconds)


def _expiry(pairing: Pairing | None) -> str | None:
    return iso(pairing.code_expires_at) if pairing and pairing.code_expires_at else None


def _picture(code: str) -> str:
    """The QR code as a data URL, ready for an <img>."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg_of(code).encode()).decode()}"
