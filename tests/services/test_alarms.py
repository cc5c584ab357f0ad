"""Notices come and go with the trouble that they tell of."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from app import bell, topics
from app.clock import utcnow
from app.core.errors import NotFound
from app.core.notices import WORDS, NoticeKind
from app.core.states import InstanceState
from app.extensions import db
from app.jobs.notices import look
from app.models import Delivery, Endpoint, Instance, Notice
from app.services import instances, notices, vitals
from app.transaction import transaction
from tests import factories
from tests.queries import plan_of, selects


@pytest.fixture(autouse=True)
def room_enough(monkeypatch):
    """Whatever the machine of the tests has left."""
    monkeypatch.setattr(vitals, "disk", lambda: vitals.Disk(size=100 * 10**9, free=50 * 10**9))


def kinds(user):
    db.session.rollback()
    return [notice.kind for notice in notices.all_of(user)]


def change(row, **values):
    with transaction() as session:
        for name, value in values.items():
            setattr(session.get_one(type(row), row.id), name, value)


def be_down(instance, *, minutes=2, reason="network_unreachable"):
    since = utcnow() - timedelta(minutes=minutes)
    change(instance, problem=reason, problem_since=since, problem_until=None)


def test_an_instance_that_stays_down_is_told_and_its_return_takes_it_away(linked, bob):
    with transaction() as session:
        down = session.get_one(Instance, linked.id)
        instances.move(down, InstanceState.DISCONNECTED, reason="network_unreachable")
    look()
    assert kinds(bob) == []  # perhaps it is back at once
    change(linked, problem_since=utcnow() - timedelta(seconds=61))
    look()
    [notice] = notices.all_of(bob)
    assert (notice.kind, notice.instance_id) == ("instance_down", linked.id)
    assert notice.detail["reason"] == "network_unreachable"
    for state in (InstanceState.CONNECTING, InstanceState.CONNECTED):
        with transaction() as session:
            instances.move(session.get_one(Instance, linked.id), state)
    look()
    assert kinds(bob) == []


def test_a_code_that_nobody_scanned_is_no_outage(instance, bob):
    be_down(instance, reason="qr_expired")
    look()
    assert kinds(bob) == []


@pytest.mark.parametrize("reason", ["temporary_ban", "restricted"])
def test_a_restricted_number_is_told_at_once(linked, bob, reason):
    be_down(linked, minutes=0, reason=reason)
    look()
    assert kinds(bob) == ["account_restricted"]


def test_a_version_that_is_refused_is_told_to_the_owner_and_to_administrators(linked, alice, bob):
    be_down(linked, minutes=0, reason="client_outdated")
    look()
    assert (kinds(bob), kinds(alice)) == (["engine_outdated"], ["engine_outdated"])


def test_a_webhook_is_told_while_it_is_paused(linked, bob):
    webhook = factories.endpoint(
        linked, url="https://crm.example/hook?token=hush", broken_since=utcnow()
    )
    look()
    [notice] = notices.all_of(bob)
    assert (notice.kind, notice.endpoint_id) == ("webhook_paused", webhook.id)
    assert notice.detail == {"host": "crm.example"}  # the rest may be a secret
    change(webhook, broken_since=None)
    look()
    assert kinds(bob) == []


def test_a_webhook_that_is_gone_is_told_and_one_that_was_switched_off_is_not(linked, bob):
    factories.endpoint(linked, enabled=False)
    gone = factories.endpoint(linked, enabled=False, last_error="410", last_error_at=utcnow())
    look()
    assert [notice.endpoint_id for notice in notices.all_of(bob)] == [gone.id]


def test_a_disk_that_is_nearly_full_is_told_to_administrators_until_there_is_room(
    app_context, alice, bob, monkeypatch
):
    def left(gigabytes):
        disk = vitals.Disk(size=100 * 10**9, free=int(gigabytes * 10**9))
        monkeypatch.setattr(vitals, "disk", lambda: disk)
        look()
        return kinds(alice)

    assert left(5.1) == []
    assert left(4.9) == ["disk_nearly_full"]
    assert left(5.1) == ["disk_nearly_full"]  # it would come and go otherwise
    assert left(6.1) == []
    assert kinds(bob) == []


def test_looking_twice_changes_nothing(linked, bob):
    be_down(linked)
    look()
    before = [notice.id for notice in notices.all_of(bob)]
    version = bell.version(topics.notices_of(bob.id))
    look()
    assert [notice.id for notice in notices.all_of(bob)] == before
    assert bell.version(topics.notices_of(bob.id)) == version


def test_a_notice_says_what_the_reason_is_now(linked, bob):
    be_down(linked)
    look()
    be_down(linked, reason="proxy_unreachable")
    look()
    [notice] = notices.all_of(bob)
    assert notice.detail["reason"] == "proxy_unreachable"


def test_one_that_was_dismissed_comes_back_only_with_new_trouble(linked, bob):
    be_down(linked)
    look()
    [notice] = notices.all_of(bob)
    with transaction():
        notices.dismiss(bob, notice.id)
    look()
    assert (kinds(bob), notices.unread(bob.id)) == ([], 0)
    change(linked, problem_until=utcnow())
    look()
    be_down(linked)
    look()
    assert (kinds(bob), notices.unread(bob.id)) == (["instance_down"], 1)


def test_reading_counts_all_as_seen_and_leaves_them_there(app_context, bob, charlie):
    factories.notice(bob)
    factories.notice(charlie)
    version = bell.version(topics.notices_of(bob.id))
    assert notices.unread(bob.id) == 1
    with transaction():
        notices.read(bob)
    assert (notices.unread(bob.id), len(notices.all_of(bob))) == (0, 1)
    assert notices.unread(charlie.id) == 1
    assert bell.version(topics.notices_of(bob.id)) != version


def test_somebody_elses_notice_is_not_there(linked, bob, charlie):
    notice = factories.notice(bob)
    with pytest.raises(NotFound), transaction():
        notices.dismiss(charlie, notice.id)
    assert len(notices.all_of(bob)) == 1


def test_a_look_costs_the_same_however_many_there_are(linked, bob):
    def cost():
        look()
        with selects() as asked:
            look()
        return len(asked)

    few = cost()
    for _ in range(5):
        other = factories.instance(bob)
        factories.linked_account(other)
        be_down(other)
        factories.endpoint(other, broken_since=utcnow())
    assert cost() == few <= 4


@pytest.mark.plan_of_sqlite
def test_the_count_of_the_bell_is_a_seek_in_an_index(app_context, bob):
    plan = plan_of(lambda: notices.unread(bob.id), "FROM notices")
    assert "SEARCH notices USING INDEX" in plan


def test_webhooks_of_the_person_are_told_what_is_of_no_instance(linked, alice, monkeypatch):
    hers = factories.instance(alice)
    everywhere = factories.endpoint(hers, instance_id=None, events=["notices"])
    disk = vitals.Disk(size=100 * 10**9, free=10**9)
    monkeypatch.setattr(vitals, "disk", lambda: disk)
    look()
    [delivery] = db.session.scalars(select(Delivery))
    said = json.loads(delivery.body)
    assert delivery.endpoint_id == everywhere.id
    assert (said["event"], said["instanceId"]) == ("notice_raised", None)
    assert (said["data"]["notice"], said["data"]["reason"]) == ("disk_nearly_full", None)


def test_what_is_deleted_takes_its_notices_along(linked, bob):
    webhook = factories.endpoint(linked, broken_since=utcnow())
    look()
    with transaction() as session:
        session.delete(session.get_one(Endpoint, webhook.id))
    assert db.session.scalars(select(Notice)).all() == []


def test_every_kind_has_its_words():
    assert WORDS.keys() == set(NoticeKind)
