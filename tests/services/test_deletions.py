"""Deleting an instance: what would be lost, and what happens to its session."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, text

from app.clock import utcnow
from app.core.errors import Invalid, NotFound
from app.extensions import db
from app.models import Activity, Delivery, Instance, Lease
from app.services import deletions, instances, overview
from app.transaction import transaction
from tests import factories


def lease(instance, **overrides):
    with transaction() as session:
        values = {"host_id": "hst_1", "epoch": 1, "expires_at": utcnow() + timedelta(seconds=25)}
        session.add(Lease(instance_id=instance.id, **values | overrides))


def delete(instance, actor, **how):
    with transaction():
        deletions.delete(instance, actor=actor, **how)


def rows(table):
    return db.session.scalar(text(f"SELECT count(*) FROM {table}"))  # noqa: S608


def test_the_loss_is_counted(linked, chat):
    factories.message(chat)
    factories.message(chat, direction="out", status="queued")
    endpoint = factories.endpoint(linked)
    with transaction() as session:
        now = utcnow()
        for number, status in enumerate(("pending", "pending", "delivered")):
            session.add(
                Delivery(
                    id=f"dlv_{number}",
                    endpoint_id=endpoint.id,
                    owner_id=endpoint.owner_id,
                    instance_id=linked.id,
                    event="message_received",
                    body=b"{}",
                    status=status,
                    due_at=now,
                    created_at=now,
                )
            )
    factories.contact(linked)
    loss = deletions.loss_of(linked)
    assert (loss.chats, loss.messages, loss.queued, loss.deliveries) == (1, 2, 1, 2)
    assert loss.contacts == 1


def test_deleting_takes_everything_of_the_instance_along(linked, chat, bob):
    factories.message(chat)
    factories.endpoint(linked)
    instance_id = linked.id
    delete(linked, bob)
    for table in ("instances", "linked_accounts", "chats", "messages", "endpoints"):
        assert rows(table) == 0
    assert "instance:settings:deleted" in db.session.scalars(select(Activity.kind)).all()
    with pytest.raises(NotFound):
        instances.get_for(bob, instance_id)


@pytest.mark.parametrize(("log_out", "wish"), [(True, "signed_out"), (False, "stopped")])
def test_an_instance_whose_session_runs_ends_it_first(linked, bob, log_out, wish):
    lease(linked)
    delete(linked, bob, log_out=log_out)
    assert linked.desired == wish
    assert rows("instances") == 1


def test_a_deleted_instance_is_seen_by_nobody_and_its_name_is_free(linked, bob):
    name = linked.name
    lease(linked)
    delete(linked, bob)
    with pytest.raises(NotFound):
        instances.get_for(bob, linked.id)
    assert instances.all_of(bob) == []
    assert instances.page_of(bob, after=None, limit=9) == ([], False)
    assert overview.overview_of(bob, overview.Wish()).total == 0
    with transaction():
        assert instances.create(owner=bob, name=name)


def test_what_is_deleted_goes_when_its_session_has_ended(linked, bob):
    lease(linked)
    delete(linked, bob)
    deletions.finish()
    assert rows("instances") == 1
    with transaction() as session:
        session.get_one(Lease, linked.id).expires_at = utcnow()
    deletions.finish()
    assert rows("instances") == 0


def test_what_is_deleted_waits_for_no_host_for_long(linked, bob):
    lease(linked, expires_at=utcnow() + timedelta(hours=1))
    delete(linked, bob)
    with time_machine.travel(utcnow() + deletions.PATIENCE + timedelta(seconds=1), tick=False):
        deletions.finish()
    assert rows("instances") == 0


def test_finishing_leaves_what_nobody_deleted(linked):
    deletions.finish()
    assert db.session.get(Instance, linked.id) is not None


def test_the_name_has_to_be_typed_only_where_unsent_messages_would_be_lost(linked, chat):
    deletions.check_name(linked, "")
    factories.message(chat, direction="out", status="queued")
    with pytest.raises(Invalid) as caught:
        deletions.check_name(linked, "linked")
    assert caught.value.code == "name_differs"
    deletions.check_name(linked, " Linked ")
