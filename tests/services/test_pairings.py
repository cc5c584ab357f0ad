"""Linking a phone: attempts as rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from app import bell
from app.clock import utcnow
from app.core.errors import Conflict, Invalid
from app.core.states import DesiredState, InstanceState
from app.extensions import db
from app.models import Instance, Pairing
from app.services import activity, instances, pairings
from app.transaction import transaction
from tests import factories


def start(instance, **values) -> Pairing:
    with transaction():
        return pairings.start(instance, **values)


def finish(pairing: Pairing, **values) -> None:
    values = {"phone": "79161234567", "lid": "2001", "device": 3, "push_name": "Anna", **values}
    with transaction():
        pairings.finish(pairing, **values)


def test_a_start_makes_an_attempt_and_rings_for_a_worker(instance, bob):
    pairing = start(instance, actor=bob)
    assert pairings.active_of(instance).id == pairing.id
    assert instance.state == "pairing"
    assert len(bell.queue(pairings.QUEUE)) == 1


def test_a_second_start_joins_the_running_attempt(instance):
    first = start(instance)
    assert start(instance).id == first.id
    assert len(bell.queue(pairings.QUEUE)) == 1


def by_code(instance, phone="8 916 123-45-67") -> Pairing:
    with transaction():
        return pairings.start_by_phone_code(instance, phone=phone, country="RU")


def test_an_attempt_by_code_knows_its_number(instance):
    pairing = by_code(instance)
    assert (pairing.method, pairing.phone) == ("phone_code", "79161234567")
    assert instance.state == "pairing"


def test_the_same_number_again_joins_the_running_attempt(instance):
    assert by_code(instance).id == by_code(instance, "+79161234567").id
    assert start(instance).method == "phone_code"


def test_another_way_takes_the_place_of_a_running_attempt(instance):
    ways = [start(instance), by_code(instance), by_code(instance, "+79160000009")]
    with transaction():
        ways.append(pairings.start_by_qr(instance))
    assert [one.active for one in ways] == [None, None, None, True]
    assert [one.reason for one in ways] == [None] * 4
    assert instance.state == "pairing"


def test_a_bad_number_starts_nothing_and_ends_nothing(instance):
    running = start(instance)
    with pytest.raises(Invalid) as caught:
        by_code(instance, "nobody")
    assert (caught.value.field, caught.value.code) == ("phone", "bad_phone")
    assert running.active


def test_a_number_that_differs_from_the_one_typed_is_written_down(instance):
    pairing = by_code(instance)
    finish(pairing, phone="5215512345678")
    [line] = [one for one in activity.latest(instance) if one.kind == "instance:phone:other"]
    assert line.detail == {"phone": "5215512345678", "asked": "79161234567"}


def test_the_number_that_was_typed_is_nothing_to_write_down(instance):
    finish(by_code(instance))
    assert "instance:phone:other" not in [one.kind for one in activity.latest(instance)]


def test_a_linked_instance_starts_no_attempt(linked):
    with pytest.raises(Conflict) as caught:
        start(linked)
    assert caught.value.code == "already_linked"


def test_an_attempt_is_taken_by_one_worker(instance):
    pairing = start(instance)
    with transaction():
        assert pairings.take(pairing.id)
        assert not pairings.take(pairing.id)


def test_a_shown_code_is_kept_encrypted(instance):
    pairing = start(instance)
    expires_at = utcnow() + timedelta(seconds=60)
    with transaction() as session:
        pairings.show_code(pairing, "2@the code", expires_at)
        session.flush()
        raw = session.connection().exec_driver_sql("SELECT code FROM pairings").scalar()
    assert "the code" not in raw
    assert (pairing.code, pairing.code_expires_at) == ("2@the code", expires_at)


def test_looking_at_the_code_is_noted(instance):
    pairing = start(instance)
    later = pairing.asked_at + timedelta(seconds=20)
    with time_machine.travel(later, tick=False), transaction():
        pairings.asked(instance)
    with transaction() as session:
        session.refresh(pairing)
    assert pairing.asked_at == later


def test_a_linked_phone_wants_its_session(instance):
    pairing = start(instance)
    finish(pairing)
    assert (instance.state, instance.desired) == ("connecting", "running")
    assert instance.account.device_jid == "79161234567:3@s.whatsapp.net"
    assert (pairing.active, pairing.code, pairing.reason) == (None, None, None)


def test_the_same_number_again_is_the_same_account(instance):
    finish(start(instance))
    first = instance.account_id
    with transaction():
        instance.state = InstanceState.LOGGED_OUT
    finish(start(instance), device=4)
    assert instance.account_id == first
    assert instance.account.device == 4


def test_another_number_is_another_account(instance):
    finish(start(instance))
    first = instance.account_id
    with transaction():
        instance.state = InstanceState.LOGGED_OUT
    finish(start(instance), phone="79160000009")
    assert instance.account_id != first


def test_an_attempt_nobody_looks_at_leaves_the_instance_as_it_was(instance):
    with transaction():
        pairings.give_up(pairings.start(instance), reason=None)
    assert (instance.state, instance.reason) == ("created", None)


def test_an_attempt_that_failed_says_why(instance):
    with transaction():
        pairings.give_up(pairings.start(instance), reason="qr_expired")
    assert (instance.state, instance.reason) == ("failed", "qr_expired")
    assert start(instance).active is True


def test_an_attempt_whose_worker_is_gone_is_abandoned(instance):
    pairing = start(instance)
    with transaction():
        pairings.take(pairing.id)
    assert pairings.abandoned() == []
    with time_machine.travel(utcnow() + pairings.SILENT + timedelta(seconds=1)):
        assert pairings.abandoned() == [pairing]


def test_an_attempt_whose_worker_says_that_it_is_there_goes_on(instance):
    pairing = start(instance)
    with transaction():
        pairings.take(pairing.id)
    with time_machine.travel(utcnow() + pairings.SILENT + timedelta(seconds=1)):
        with transaction():
            pairings.beat(pairing)
        assert pairings.abandoned() == []


def test_an_attempt_that_waits_for_a_worker_is_abandoned_when_nobody_looks(instance):
    pairing = start(instance)
    assert pairings.abandoned() == []
    with time_machine.travel(utcnow() + pairings.NOBODY_ASKS + timedelta(seconds=1)):
        assert pairings.abandoned() == [pairing]


def test_a_number_that_runs_elsewhere_is_recorded_but_not_started(instance, linked):
    with transaction():
        instances.want(linked, DesiredState.RUNNING)
    finish(start(instance), phone="79160000001")
    assert (instance.state, instance.desired) == ("failed", "stopped")
    assert (instance.reason, instance.reason_detail) == (
        "same_number_elsewhere",
        {"instance": "Linked"},
    )
    assert instance.account.phone == "79160000001"


def test_whose_instance_has_the_number_is_told_to_nobody_else(linked, charlie):
    mine = factories.instance(charlie)
    with transaction():
        instances.want(linked, DesiredState.RUNNING)
    with transaction():
        pairing = pairings.start(db.session.get_one(Instance, mine.id))
    finish(pairing, phone="79160000001")
    instance = db.session.get_one(Instance, mine.id)
    assert (instance.reason, instance.reason_detail) == ("same_number_of_another", {})


def test_the_newest_attempt_is_told_also_when_it_is_over(instance):
    with transaction():
        pairings.give_up(pairings.start(instance), reason="qr_expired")
    second = start(instance)
    assert pairings.latest_of(instance).id == second.id
