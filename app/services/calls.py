"""Calls: written down when they come, and told once it is known whether they were rejected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select, update

from app.clock import utcnow
from app.core.events import Event, iso
from app.core.ids import new_id
from app.core.naming import person_name
from app.core.phones import lid_jid, phone_jid, show_phone
from app.extensions import db
from app.models import Call, Chat, Contact, Instance, LinkedAccount, WhatsAppContact
from app.models.call import CALL_ID_LENGTH, Fate
from app.services import activity, outbox
from app.services.naming import find_people
from app.transaction import rows_changed

FRESH = timedelta(seconds=60)
"""A call that began longer ago does not ring any more: rejecting it would help nobody."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A call as WhatsApp tells of it. `phone` and `lid`: who calls, as far as known."""

    wa_id: str
    phone: str | None
    lid: str | None
    is_group: bool
    video: bool | None
    at: datetime


def offered(account: LinkedAccount, offer: Offer, *, reject: bool) -> bool:
    """Writes a call down, unless it is known; whether it is to be rejected now. If not, it is told
    at once."""
    wa_id = offer.wa_id[:CALL_ID_LENGTH]
    known = select(Call.id).where(Call.account_id == account.id, Call.wa_id == wa_id)
    if db.session.scalar(known) is not None or _is_own(account, offer):
        return False
    now = utcnow()
    call = Call(
        id=new_id("call", now),
        instance_id=account.instance_id,
        account_id=account.id,
        wa_id=wa_id,
        caller_phone=offer.phone,
        caller_lid=offer.lid,
        is_group=offer.is_group,
        video=offer.video,
        offered_at=offer.at,
        fate=Fate.RINGING,
        created_at=now,
    )
    db.session.add(call)
    db.session.flush()
    if reject and now - offer.at < FRESH:
        return True
    settle(call, Fate.LEFT)
    return False


def ended(account: LinkedAccount, wa_id: str) -> None:
    """A call does not ring any more: there is nothing left to reject."""
    call = db.session.scalar(_ringing(account.id).where(Call.wa_id == wa_id[:CALL_ID_LENGTH]))
    if call is not None:
        settle(call, Fate.LEFT)


def oldest_ringing(account_id: str) -> Call | None:
    """The call that is to be rejected first."""
    return db.session.scalar(_ringing(account_id).limit(1))


def leave(account_id: str, *, begun_before: datetime) -> None:
    """Settles what began so long ago and was not rejected."""
    for call in db.session.scalars(_ringing(account_id).where(Call.offered_at <= begun_before)):
        settle(call, Fate.LEFT)


def settle(call: Call, fate: Fate) -> None:
    """Decides on a call that rings, in the journal and for the webhook; does nothing where it is
    decided already."""
    ringing = update(Call).where(Call.id == call.id, Call.fate == Fate.RINGING)
    if not rows_changed(ringing.values(fate=fate)):
        return
    rejected = fate is Fate.REJECTED
    kind = "group" if call.is_group else "video" if call.video else "voice"
    activity.record(
        f"call:{kind}:{'rejected' if rejected else 'received'}",
        instance=db.session.get_one(Instance, call.instance_id),
        caller=_caller_words(call),
        call=call.wa_id,
    )
    outbox.emit(call.instance_id, Event.CALL_RECEIVED, _payload(call, rejected=rejected))


def caller_jid(call: Call) -> str:
    """Who calls, as WhatsApp addresses them: by LID where known."""
    return lid_jid(call.caller_lid) if call.caller_lid else phone_jid(call.caller_phone or "")


def _ringing(account_id: str) -> Select[Call]:
    query = select(Call).where(Call.account_id == account_id, Call.fate == Fate.RINGING)
    return query.order_by(Call.offered_at, Call.id)


def _is_own(account: LinkedAccount, offer: Offer) -> bool:
    """Whether it is the phone itself that calls somebody."""
    return offer.phone == account.phone or (offer.lid is not None and offer.lid == account.lid)


def _payload(call: Call, *, rejected: bool) -> dict[str, Any]:
    phone = call.caller_phone
    return {
        "callId": call.wa_id,
        "from": phone_jid(phone) if phone else caller_jid(call),
        "fromLid": call.caller_lid,
        "isGroup": call.is_group,
        "video": call.video,
        "rejected": rejected,
        "timestamp": iso(call.offered_at),
    }


def _caller_words(call: Call) -> str:
    """Name and number of who calls, as far as they are known."""
    names = _names(call)
    name = person_name(*names, phone=call.caller_phone, lid=call.caller_lid)
    return f"{name}, {show_phone(call.caller_phone)}" if names and call.caller_phone else name


def _names(call: Call) -> list[str]:
    """What the caller is called, the best name first."""
    address = [call.caller_phone], [call.caller_lid]
    saved = find_people(Contact, Contact.instance_id == call.instance_id, *address)
    people = find_people(WhatsAppContact, WhatsAppContact.account_id == call.account_id, *address)
    chats = find_people(Chat, Chat.account_id == call.account_id, *address)
    names = [one.name for one in saved]
    names += [name for one in people for name in one.names]
    return [name for name in (*names, *(one.name for one in chats)) if name]
