"""Acts on more contacts than one request can wait for: a row with cursor and counts, worked off in
batches by a job, each in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from app import bell, topics
from app.clock import utcnow
from app.config import current_settings
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.core.texts import N_
from app.extensions import db
from app.models import Contact, ContactTask, Instance, User
from app.models.contact_task import TaskAct, TaskState
from app.services import activity, contact_selection
from app.services.contact_lists import fits
from app.services.contact_selection import BATCH, count_of, one_tag
from app.services.contacts import contacts_of
from app.transaction import alone, hold, rows_changed

QUEUE, JOB = "imports", "app.jobs.contact_tasks.run"
STALLED = timedelta(seconds=10)
"""One that got no further for this long is taken up again: its job was lost or killed."""


def start(
    instance: Instance, act: TaskAct, *, tag: str = "", text: str = "", actor: User | None = None
) -> ContactTask:
    """Begins `act` on all contacts that a search for `text` finds. Raises Invalid (tags; contact
    for nobody found), Conflict while another one runs."""
    tag = one_tag(tag) if act is not TaskAct.DELETE else ""
    if _running(instance) is not None:
        message = N_("Many contacts are being changed already. Wait for its end.")
        raise Conflict(message, code="task_running")
    total = count_of(instance, text=text, country=current_settings().default_country)
    if not total:
        raise Invalid(N_("Choose contacts first."), field="contact", code="nothing_chosen")
    ours, now = Contact.instance_id == instance.id, utcnow()
    row = ContactTask(
        id=new_id("tsk", now),
        instance_id=instance.id,
        act=act,
        tag=tag,
        search=text,
        state=TaskState.RUNNING,
        cursor="",
        last=db.session.scalar(select(func.max(Contact.id)).where(ours)) or "",
        total=total,
        seen=0,
        changed=0,
        created_at=now,
        touched_at=now,
    )
    db.session.add(row)
    db.session.flush()
    kind, detail = f"contacts:task:{act.value}", {"tag": tag} if tag else {}
    activity.record(kind, instance=instance, actor=actor, count=total, **detail)
    bell.changed(topics.contacts(instance.id))
    bell.enqueue_once(QUEUE, JOB, row.id)
    return row


def get_for(instance: Instance, task_id: str) -> ContactTask:
    """The act, if it is the instance's. Raises NotFound otherwise."""
    row = db.session.get(ContactTask, task_id)
    if row is None or row.instance_id != instance.id:
        raise NotFound(N_("There is no such act on contacts."), code="task_not_found")
    return row


def latest(instance: Instance) -> ContactTask | None:
    """The one that runs, or the last one that was begun."""
    query = select(ContactTask).where(ContactTask.instance_id == instance.id)
    return db.session.scalar(query.order_by(ContactTask.id.desc()).limit(1))


def cancel(row: ContactTask) -> None:
    """Ends it; what was done stays done. Raises Conflict when it is over already."""
    over = {"state": TaskState.CANCELLED, "finished_at": utcnow()}
    running = update(ContactTask).where(
        ContactTask.id == row.id, ContactTask.state == TaskState.RUNNING
    )
    if rows_changed(running.values(**over)) != 1:
        raise Conflict(N_("This is over already."), code="not_running")
    db.session.refresh(row)
    bell.changed(topics.contacts(row.instance_id))


def do_batch(task_id: str) -> bool:
    """Does the next contacts; whether there may be more. Several who call this at once take turns,
    and each contact is done and counted once."""
    row = db.session.get(ContactTask, task_id)
    if row is None:
        return False
    hold(row)
    if not row.is_running:
        return False
    alone(contacts_of(row.instance_id))
    ids = _next(row)
    instance = db.session.get_one(Instance, row.instance_id)
    row.changed += _do(row, instance, ids)
    row.seen += len(ids)
    row.touched_at = utcnow()
    if ids:
        row.cursor = ids[-1]
    if len(ids) < BATCH:
        row.state, row.finished_at = TaskState.DONE, row.touched_at
    bell.changed(topics.contacts(row.instance_id))
    return row.is_running


def stalled(now: datetime) -> list[str]:
    """The ids of those that do not get on."""
    query = select(ContactTask.id).where(
        ContactTask.state == TaskState.RUNNING, ContactTask.touched_at <= now - STALLED
    )
    return list(db.session.scalars(query))


def take_up(task_id: str) -> None:
    """Rings for one that did not get on."""
    bell.enqueue_once(QUEUE, JOB, task_id)


def _running(instance: Instance) -> ContactTask | None:
    row = latest(instance)
    return row if row is not None and row.is_running else None


def _next(row: ContactTask) -> list[str]:
    country = current_settings().default_country
    query = select(Contact.id).where(
        Contact.instance_id == row.instance_id,
        Contact.id > row.cursor,
        Contact.id <= row.last,
        *fits(Contact, row.search, country),
    )
    return list(db.session.scalars(query.order_by(Contact.id).limit(BATCH)))


def _do(row: ContactTask, instance: Instance, ids: list[str]) -> int:
    if row.act == TaskAct.DELETE:
        return contact_selection.delete(instance, ids)
    act = contact_selection.tag if row.act == TaskAct.TAG else contact_selection.untag
    return act(instance, ids, row.tag)
