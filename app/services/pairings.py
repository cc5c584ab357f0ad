"""Linking a phone: an attempt is a row that a pairing worker takes up and keeps up to date."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select, update

from app import bell, topics
from app.clock import utcnow
from app.core.errors import Conflict
from app.core.events import Event, iso
from app.core.ids import new_id
from app.core.phones import normalize_phone
from app.core.states import UNLINKED, DesiredState, InstanceState
from app.core.texts import N_
from app.extensions import db
from app.models import Instance, Lease, LinkedAccount, Pairing, User
from app.models.pairing import PHONE_CODE, QR
from app.services import activity, instances, outbox
from app.transaction import alone, rows_changed

QUEUE = "pairing"
JOB = "app.jobs.pairing.pair"
NOBODY_ASKS = timedelta(seconds=30)
"""An attempt that nobody looked at for this long ends."""
LONGEST = timedelta(minutes=4)
"""Six codes last 160 s (wire.md section 6); a worker that is busy for longer hangs."""
NAME_LENGTH = 100
SILENT = timedelta(seconds=20)
"""An attempt whose worker said nothing for this long has lost it."""


def active_of(instance: Instance) -> Pairing | None:
    """The running attempt of `instance`, if there is one."""
    return db.session.scalar(
        select(Pairing).where(Pairing.instance_id == instance.id, Pairing.active.is_(True))
    )


def latest_of(instance: Instance) -> Pairing | None:
    """The newest attempt of `instance`, running or over."""
    return db.session.scalar(
        select(Pairing).where(Pairing.instance_id == instance.id).order_by(Pairing.id.desc())
    )


def number_asked_for(instance: Instance) -> str | None:
    """The number that a code was made for, where the phone that typed it has another one."""
    account = instance.account
    if account is None:
        return None
    query = select(Pairing.phone).where(
        Pairing.instance_id == instance.id,
        Pairing.key_store == account.key_store,
        Pairing.phone != account.phone,
    )
    return db.session.scalar(query)


def start(instance: Instance, *, actor: User | None = None) -> Pairing:
    """The running attempt, whatever its way, or a new one by QR code.

    Raises Conflict where a phone is linked already.
    """
    running = active_of(instance)
    return _go_on(running) if running else _begin(instance, QR, None, actor)


def start_by_qr(instance: Instance, *, actor: User | None = None) -> Pairing:
    """The running attempt by QR code, or a new one in place of another. Raises Conflict."""
    return _start(instance, QR, None, actor)


def start_by_phone_code(
    instance: Instance, *, phone: str, country: str, actor: User | None = None
) -> Pairing:
    """The running attempt to link `phone` by a code typed there, or a new one in place of another.

    Raises Invalid (phone), or Conflict where a phone is linked already.
    """
    digits = normalize_phone(phone, country=country, field="phone")
    return _start(instance, PHONE_CODE, digits, actor)


def _start(instance: Instance, method: str, phone: str | None, actor: User | None) -> Pairing:
    running = active_of(instance)
    if running is not None and (running.method, running.phone) == (method, phone):
        return _go_on(running)
    if running is not None:
        _end(running, reason=None)  # its worker sees that within a second
    return _begin(instance, method, phone, actor)


def _go_on(running: Pairing) -> Pairing:
    running.asked_at = utcnow()
    return running


def _begin(instance: Instance, method: str, phone: str | None, actor: User | None) -> Pairing:
    if instance.instance_state not in UNLINKED | {InstanceState.FAILED, InstanceState.STOPPED}:
        raise Conflict(N_("A phone is linked to this instance already."), code="already_linked")
    now = utcnow()
    pairing_id = new_id("pai", now)
    pairing = Pairing(
        id=pairing_id,
        instance_id=instance.id,
        active=True,
        method=method,
        phone=phone,
        key_store=f"{pairing_id}.db",
        created_at=now,
        asked_at=now,
    )
    db.session.add(pairing)
    db.session.flush()
    reason = "phone_code" if method == PHONE_CODE else None
    instances.move(instance, InstanceState.PAIRING, reason=reason, actor=actor)
    bell.enqueue(QUEUE, JOB, pairing.id, timeout=int(LONGEST.total_seconds()) + 60)
    return pairing


def asked(instance: Instance) -> None:
    """Notes that somebody is looking at the code, which keeps the attempt alive."""
    db.session.execute(
        update(Pairing)
        .where(Pairing.instance_id == instance.id, Pairing.active.is_(True))
        .values(asked_at=utcnow())
    )


def take(pairing_id: str) -> bool:
    """Whether this caller is the one worker that may run the attempt."""
    free = (Pairing.id == pairing_id, Pairing.active.is_(True), Pairing.started_at.is_(None))
    now = utcnow()
    return rows_changed(update(Pairing).where(*free).values(started_at=now, beat_at=now)) == 1


def beat(pairing: Pairing) -> None:
    """The worker says that it is still there."""
    pairing.beat_at = utcnow()


def nobody_asks(pairing: Pairing) -> bool:
    """Whether nobody looked at the code for so long that the attempt is to end."""
    return utcnow() - pairing.asked_at > NOBODY_ASKS


def show_code(pairing: Pairing, code: str, expires_at: datetime) -> None:
    """Publishes the newest code of the attempt."""
    pairing.code = code
    pairing.code_expires_at = expires_at
    if pairing.method == QR:
        data = {"qrCode": code, "expiresAt": iso(expires_at), "timestamp": iso(utcnow())}
        outbox.emit(pairing.instance_id, Event.QR_RECEIVED, data)
    bell.changed(topics.instance(pairing.instance_id))


def finish(pairing: Pairing, *, phone: str, lid: str | None, device: int, push_name: str) -> None:
    """The phone is linked: records the account and wants its session running.

    A number that another instance runs is recorded too, or the phone would list a device that
    nobody can sign out; but its session is not started: every chat would be here twice.

    The attempt may have been ended, and another begun, in the moment when the phone accepted: that
    one ends. Raises Conflict when the instance has another link by now.
    """
    instance = db.session.get_one(Instance, pairing.instance_id)
    for attempt in {pairing, active_of(instance) or pairing}:
        _end(attempt, reason=None)
    if instance.instance_state in UNLINKED - {InstanceState.PAIRING}:
        instances.move(instance, InstanceState.PAIRING)
    account = _account(instance, phone)
    account.lid, account.device, account.key_store = lid, device, pairing.key_store
    account.push_name = push_name.replace("\0", "")[:NAME_LENGTH] or account.push_name
    account.linked_at, account.unlinked_at = utcnow(), None
    db.session.execute(update(Lease).where(Lease.instance_id == instance.id).values(crashes=0))
    db.session.flush()
    instance.account_id = account.id
    activity.record("instance:phone:linked", instance=instance, phone=phone, device=device)
    alone(f"phone {phone}")
    if pairing.phone not in {None, phone}:
        activity.record("instance:phone:other", instance=instance, phone=phone, asked=pairing.phone)
    other = instances.linked_elsewhere(instance, phone)
    if other is None:
        instances.move(instance, InstanceState.CONNECTING)
        instances.want(instance, DesiredState.RUNNING)
    else:
        instances.want(instance, DesiredState.STOPPED)
        instances.move(instance, InstanceState.FAILED, **second_link(instance, other))


def second_link(instance: Instance, other: Instance) -> dict[str, Any]:
    """Reason and detail of a number that `other` has linked too. Whose instance it is, is told
    only to its owner."""
    if other.owner_id != instance.owner_id:
        return {"reason": "same_number_of_another"}
    return {"reason": "same_number_elsewhere", "detail": {"instance": other.name}}


def give_up(pairing: Pairing, *, reason: str | None) -> None:
    """Ends the attempt without a link: `reason` is a slug of core.reasons, or None when nobody
    looked any more, which leaves the instance as it was before."""
    instance = db.session.get_one(Instance, pairing.instance_id)
    _end(pairing, reason=reason)
    if instance.instance_state is not InstanceState.PAIRING:
        return
    if reason is not None:
        instances.move(instance, InstanceState.FAILED, reason=reason)
    elif instance.account_id is None:
        instances.move(instance, InstanceState.CREATED)
    else:
        instances.move(instance, InstanceState.LOGGED_OUT)


def abandoned() -> list[Pairing]:
    """Attempts whose worker is gone, and those that wait for one although nobody looks any more."""
    now = utcnow()
    lost = Pairing.beat_at < now - SILENT
    unwanted = and_(Pairing.started_at.is_(None), Pairing.asked_at < now - NOBODY_ASKS)
    query = select(Pairing).where(Pairing.active.is_(True), or_(lost, unwanted))
    # One that somebody is just changing is not abandoned; the others stay so until the end.
    return list(db.session.scalars(query.order_by(Pairing.id).with_for_update(skip_locked=True)))


def _end(pairing: Pairing, *, reason: str | None) -> None:
    pairing.active = None
    pairing.code = pairing.code_expires_at = None
    pairing.ended_at = utcnow()
    pairing.reason = reason
    db.session.flush()


def _account(instance: Instance, phone: str) -> LinkedAccount:
    """The instance's row for this number: the old one when the number was linked before."""
    account = db.session.scalar(
        select(LinkedAccount).where(
            LinkedAccount.instance_id == instance.id, LinkedAccount.phone == phone
        )
    )
    if account is None:
        account = LinkedAccount(id=new_id("acc", utcnow()), instance_id=instance.id, phone=phone)
        db.session.add(account)
    return account
