"""Instances: made, changed, moved, deleted, and whose they are."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import update

from app import bell, topics
from app.clock import utcnow
from app.core.errors import Conflict, Invalid, NotFound
from app.core.states import DesiredState, InstanceState
from app.extensions import db
from app.models import Instance
from app.services import activity, instances
from app.transaction import transaction


def create(owner, **values) -> Instance:
    with transaction():
        return instances.create(owner=owner, **{"name": "New", **values})


def test_a_new_instance_is_created_and_not_wanted_yet(app_context, bob):
    instance = create(bob, name="  New ", description=" For the shop ")
    assert (instance.name, instance.description) == ("New", "For the shop")
    assert (instance.state, instance.desired) == ("created", "stopped")


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"name": "  "}, "name", "name_missing"),
        ({"name": "a" * 61}, "name", "name_too_long"),
        ({"name": "Shop"}, "name", "name_taken"),
        ({"description": "a" * 1001}, "description", "description_too_long"),
    ],
)
def test_an_instance_with_a_bad_value_is_not_made(instance, bob, values, field, code):
    with pytest.raises(Invalid) as caught:
        create(bob, **values)
    assert (caught.value.field, caught.value.code) == (field, code)


def test_two_people_can_use_the_same_name(instance, charlie):
    assert create(charlie, name=instance.name)


def test_an_owner_sees_only_their_own_by_name(instance, bob, charlie):
    create(bob, name="Another")
    create(charlie, name="Foreign")
    assert [one.name for one in instances.all_of(bob)] == ["Another", "Shop"]


def test_somebody_elses_instance_is_told_like_an_unknown_one(instance, alice, charlie):
    for user in (charlie, alice):
        with pytest.raises(NotFound) as foreign:
            instances.get_for(user, instance.id)
        with pytest.raises(NotFound) as unknown:
            instances.get_for(user, "ins_nothing")
        assert (foreign.value.code, str(foreign.value)) == (unknown.value.code, str(unknown.value))


def test_a_change_keeps_what_is_not_given(instance, bob):
    with transaction():
        instances.change(instance, actor=bob, description="Hello")
    assert (instance.name, instance.description) == ("Shop", "Hello")


def test_an_instance_can_keep_its_own_name(instance, bob):
    with transaction():
        instances.change(instance, actor=bob, name="Shop")
    assert instance.name == "Shop"


def test_a_taken_name_changes_nothing(instance, bob):
    create(bob, name="Taken")
    with pytest.raises(Invalid), transaction():
        instances.change(instance, actor=bob, name="Taken")
    db.session.refresh(instance)
    assert instance.name == "Shop"


def test_a_move_writes_state_reason_and_journal(instance, bob):
    with transaction():
        instances.move(instance, InstanceState.PAIRING, actor=bob)
        instances.move(
            instance, InstanceState.FAILED, reason="qr_expired", detail={"code": 405}, actor=bob
        )
    assert (instance.state, instance.reason) == ("failed", "qr_expired")
    assert instance.reason_detail == {"code": 405}
    newest = activity.latest(instance)[0]
    assert newest.detail == {"to": "failed", "reason": "qr_expired", "code": 405}


def test_a_move_that_is_not_allowed_is_refused(instance):
    with pytest.raises(Conflict) as caught, transaction():
        instances.move(instance, InstanceState.CONNECTED)
    assert caught.value.code == "wrong_state"


def test_a_move_from_a_state_that_is_no_more_is_refused(instance):
    with transaction() as session:
        assert instance.state == "created"
        statement = update(Instance).where(Instance.id == instance.id)
        session.execute(statement.values(state="pairing"), {}, execution_options=UNSEEN)
        with pytest.raises(Conflict):
            instances.move(instance, InstanceState.PAIRING)


UNSEEN = {"synchronize_session": False}


def test_the_same_state_again_updates_the_reason_without_a_line_in_the_journal(linked):
    with transaction():
        instances.move(linked, InstanceState.CONNECTED, reason="host_lost")
    assert linked.reason == "host_lost"
    assert activity.latest(linked) == []


def test_a_change_moves_the_counters_after_the_commit(instance, bob):
    before = bell.version(topics.instance(instance.id)), bell.version(topics.instances_of(bob.id))
    with transaction():
        instances.want(instance, DesiredState.RUNNING)
        assert bell.version(topics.instance(instance.id)) == before[0]
    assert bell.version(topics.instance(instance.id)) != before[0]
    assert bell.version(topics.instances_of(bob.id)) != before[1]


def test_a_rolled_back_change_moves_no_counter(instance):
    before = bell.version(topics.instance(instance.id))
    with pytest.raises(LookupError), transaction():
        instances.want(instance, DesiredState.RUNNING)
        raise LookupError
    assert bell.version(topics.instance(instance.id)) == before


def test_another_running_instance_with_the_same_number_is_found(linked, instance):
    assert instances.linked_elsewhere(instance, "79160000001") is None
    with transaction():
        instances.want(linked, DesiredState.RUNNING)
    assert instances.linked_elsewhere(instance, "79160000001").id == linked.id
    assert instances.linked_elsewhere(linked, "79160000001") is None


def trouble(instance):
    return instance.problem, instance.problem_since, instance.problem_until


def test_a_trouble_lasts_from_its_first_reason_until_the_connection_is_back(linked):
    begun = utcnow()
    with time_machine.travel(begun, tick=False), transaction():
        instances.move(linked, InstanceState.DISCONNECTED, reason="connection_lost")
    with time_machine.travel(begun + timedelta(minutes=1), tick=False), transaction():
        instances.move(linked, InstanceState.CONNECTING)
        instances.move(linked, InstanceState.DISCONNECTED, reason="network_unreachable")
    assert trouble(linked) == ("network_unreachable", begun, None)
    over = begun + timedelta(minutes=2)
    with time_machine.travel(over, tick=False), transaction():
        instances.move(linked, InstanceState.CONNECTED)
    assert trouble(linked) == ("network_unreachable", begun, over)


def test_a_new_trouble_begins_anew(linked):
    with transaction():
        instances.move(linked, InstanceState.DISCONNECTED, reason="connection_lost")
        instances.move(linked, InstanceState.CONNECTED)
    again = utcnow() + timedelta(hours=1)
    with time_machine.travel(again, tick=False), transaction():
        instances.move(linked, InstanceState.LOGGED_OUT, reason="phone_logged_out")
    assert trouble(linked) == ("phone_logged_out", again, None)


def test_what_the_owner_wanted_is_no_trouble(linked):
    with transaction():
        instances.move(linked, InstanceState.LOGGED_OUT, reason="signed_out_here")
    assert trouble(linked) == (None, None, None)
