"""Blocking people by number. Whoever holds the session does it; the answer waits for what becomes
of it."""

from __future__ import annotations

from pydantic import Field

from app import models
from app.api.blueprint import bp
from app.api.bodies import Answer
from app.api.identity import caller
from app.config import current_settings
from app.services import blocking, chats, instances
from app.services.wish_waiting import fulfilled
from app.transaction import transaction

TAGS = ["Blocking"]
_ONE = "/instances/<instance_id>/blocked/<phone>"


class BlockedPerson(Answer):
    """Somebody, and whether the account hears from them."""

    id: str = Field(description="The JID.", examples=["79161234567@s.whatsapp.net"])
    chat_id: str = Field(description="Our id of the chat.")
    blocked: bool


@bp.put(_ONE)
@bp.output(BlockedPerson, description="WhatsApp has blocked them, or had before.")
@bp.doc(operation_id="blockPerson", summary="Block a person", tags=TAGS)
def block_number(instance_id: str, phone: str) -> BlockedPerson:
    """Block a person"""
    return _change(instance_id, phone, blocked=True)


@bp.delete(_ONE)
@bp.output(BlockedPerson, description="Their messages arrive again.")
@bp.doc(operation_id="unblockPerson", summary="Unblock a person", tags=TAGS)
def unblock_number(instance_id: str, phone: str) -> BlockedPerson:
    """Unblock a person"""
    return _change(instance_id, phone, blocked=False)


def _change(instance_id: str, phone: str, *, blocked: bool) -> BlockedPerson:
    country = current_settings().default_country

    def wish() -> models.GroupWish:
        instance = instances.get_for(caller(), instance_id)
        chat = chats.with_address(instance, phone, country=country)
        return blocking.wish(instance, chat, blocked=blocked)

    fulfilled(wish)
    with transaction():  # two chats that turned out to be one person's are one by now
        chat = chats.with_address(instances.get_for(caller(), instance_id), phone, country=country)
        return BlockedPerson(id=chat.jid, chat_id=chat.id, blocked=blocked)
