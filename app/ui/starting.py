"""Starting a chat with a number: WhatsApp is asked first whether it knows the number, where it can
be asked."""

from __future__ import annotations

from sqlalchemy import select

from app import topics
from app.config import current_settings
from app.core.errors import Invalid
from app.core.phones import normalize_phone
from app.core.states import InstanceState
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, Instance, NumberCheck
from app.services import chats, number_checks
from app.transaction import transaction
from app.waiting import wait_for

PATIENCE = 8.0
"""Seconds that somebody waits for WhatsApp's answer, before the chat opens without it."""


def start(instance: Instance, to: str) -> tuple[str, bool]:
    """The id of the chat with `to`, and whether it is sure that WhatsApp knows the number.

    Raises Invalid (to) for what is no number, or not on WhatsApp; Conflict while no phone was ever
    linked.
    """
    country = current_settings().default_country
    known, registered, lid = _is_known(instance, to, country), None, None
    if not known and instance.instance_state is InstanceState.CONNECTED and "@" not in to:
        registered, lid = _ask(instance, normalize_phone(to, country=country))
        if registered is False:
            message = N_("This number is not on WhatsApp.")
            raise Invalid(message, field="to", code="not_on_whatsapp")
    with transaction():
        chat = chats.with_address(instance, to, country=country)
        if lid is not None and chat.phone is not None:
            chat = chats.person(chats.account_of(instance), phone=chat.phone, lid=lid)
        chat_id = chat.id
    return chat_id, known or bool(registered)


def _is_known(instance: Instance, to: str, country: str) -> bool:
    """Whether there is a chat already, with somebody whom WhatsApp has named."""
    if "@" in to:
        return True
    phone = normalize_phone(to, country=country)
    query = select(Chat.id).where(
        Chat.account_id == instance.account_id, Chat.phone == phone, Chat.lid.is_not(None)
    )
    return db.session.scalar(query.limit(1)) is not None


def _ask(instance: Instance, phone: str) -> tuple[bool | None, str | None]:
    """What WhatsApp says; None when it does not say in time."""
    with transaction():
        check_id = number_checks.ask(instance, phone).id

    def answered() -> bool:
        return db.session.get_one(NumberCheck, check_id).answered_at is not None

    wait_for(answered, topic=topics.number_check(check_id), seconds=PATIENCE)
    check = db.session.get_one(NumberCheck, check_id)
    return check.registered, check.lid
