"""Acts on many contacts in the background: each is done and counted once."""

from __future__ import annotations

import pytest
from flask.ctx import AppContext
from sqlalchemy import func, select

from app.clock import utcnow
from app.core.errors import Conflict, Invalid, NotFound
from app.extensions import db
from app.jobs import contact_tasks as jobs
from app.models import Contact, ContactTask, Instance, User
from app.models.contact_task import TaskAct
from app.services import contact_tasks
from app.transaction import transaction
from tests import factories


@pytest.fixture
def shop(app_context: AppContext, bob: User, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """An instance of Bob's with five contacts, three of which are clients."""
    monkeypatch.setattr(contact_tasks, "BATCH", 2)
    instance = factories.instance(bob)
    for name in ("Client A", "Client B", "Other", "Client C", "Friend"):
        factories.contact(instance, name=name)
    db.session.expunge(instance)  # the job forgets what the session knows
    return instance


def start(shop: Instance, act: TaskAct, **what: str) -> str:
    with transaction():
        return contact_tasks.start(db.session.get_one(Instance, shop.id), act, **what).id


def row(task_id: str) -> ContactTask:
    db.session.expire_all()
    return db.session.get_one(ContactTask, task_id)


def counts(task_id: str) -> tuple[str, int, int, int]:
    one = row(task_id)
    return one.state, one.total, one.seen, one.changed


def tagged() -> list[str]:
    db.session.expire_all()
    query = select(Contact).order_by(Contact.sort_key)
    return [one.name for one in db.session.scalars(query) if "VIP" in one.tags]


def test_all_that_are_found_are_tagged_and_untagged_again(shop: Instance) -> None:
    task_id = start(shop, TaskAct.TAG, tag=" VIP ", text="client")
    jobs.run(task_id)
    assert counts(task_id) == ("done", 3, 3, 3)
    assert tagged() == ["Client A", "Client B", "Client C"]
    task_id = start(shop, TaskAct.TAG, tag="vip")
    jobs.run(task_id)
    assert counts(task_id) == ("done", 5, 5, 2)
    task_id = start(shop, TaskAct.UNTAG, tag="Vip", text="VIP")
    jobs.run(task_id)
    assert counts(task_id) == ("done", 5, 5, 5)
    assert tagged() == []


def test_all_that_are_found_are_deleted_but_for_who_came_later(shop: Instance) -> None:
    task_id = start(shop, TaskAct.DELETE)
    factories.contact(shop, name="Later")
    jobs.run(task_id)
    assert counts(task_id) == ("done", 5, 5, 5)
    assert [one.name for one in db.session.scalars(select(Contact))] == ["Later"]


def test_it_goes_on_from_where_it_stood_and_counts_once(shop: Instance) -> None:
    task_id = start(shop, TaskAct.DELETE)
    assert jobs.do_batch(task_id)
    assert counts(task_id) == ("running", 5, 2, 2)
    jobs.run(task_id)
    jobs.run(task_id)
    assert counts(task_id) == ("done", 5, 5, 5)


def test_a_cancelled_one_goes_no_further(shop: Instance) -> None:
    task_id = start(shop, TaskAct.DELETE)
    jobs.do_batch(task_id)
    with transaction():
        contact_tasks.cancel(row(task_id))
    jobs.run(task_id)
    assert counts(task_id) == ("cancelled", 5, 2, 2)
    assert db.session.scalar(select(func.count()).select_from(Contact)) == 3
    with pytest.raises(Conflict), transaction():
        contact_tasks.cancel(row(task_id))


def test_what_cannot_begin_is_refused(shop: Instance, charlie: User) -> None:
    with pytest.raises(Invalid):
        start(shop, TaskAct.TAG, tag="  ")
    with pytest.raises(Invalid):
        start(shop, TaskAct.TAG, tag="VIP", text="nobody")
    task_id = start(shop, TaskAct.TAG, tag="VIP")
    with pytest.raises(Conflict):
        start(shop, TaskAct.DELETE)
    with pytest.raises(NotFound):
        contact_tasks.get_for(factories.instance(charlie), task_id)


def test_the_sweep_takes_up_what_does_not_get_on(
    shop: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = start(shop, TaskAct.TAG, tag="VIP")
    assert contact_tasks.stalled(utcnow()) == []
    assert contact_tasks.stalled(utcnow() + contact_tasks.STALLED) == [task_id]
    jobs.run(task_id)
    assert contact_tasks.stalled(utcnow() + contact_tasks.STALLED) == []
