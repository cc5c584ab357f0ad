"""Linking a phone: codes, how attempts end, and that nothing is left of them."""

from __future__ import annotations

import os
from datetime import timedelta

import psutil
import pytest

from app.clock import utcnow
from app.core.states import InstanceState
from app.engine import keystore
from app.extensions import db
from app.models import Instance, Pairing, User
from app.services import deletions, pairings
from app.services import sessions as wishes
from app.sessions import key_files
from app.transaction import transaction
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, Product
from tests.waiting import wait_for


@pytest.fixture
def pairing(product: Product) -> Product:
    """A product that links phones and holds no session."""
    product.start("pairing", "clock")
    return product


def children(product: Product) -> list[psutil.Process]:
    """The pairing processes that run now."""
    return product.running("app.sessions.pairing_process")


def names_of_keys(product: Product) -> list[str]:
    return sorted(path.name for path in product.settings.key_store_dir.glob("*"))


def wait_until_gone(product: Product) -> None:
    """Until nothing is left of an attempt."""
    wait_for(lambda: not children(product), PATIENCE, "the process is gone")
    wait_for(lambda: not names_of_keys(product), PATIENCE, "the keys are gone")


def test_scanned_code_links_the_phone_and_ends_the_process(pairing: Product) -> None:
    instance_id = pairing.new_instance()
    code = pairing.code(instance_id)
    assert len(children(pairing)) == 1
    expires_at = pairing.pairing(instance_id).code_expires_at
    assert expires_at is not None
    assert timedelta(seconds=0) < expires_at - utcnow() <= timedelta(seconds=60)

    linked = pairing.sandbox.client.scan(code, OWN_NUMBER, "Owner")

    pairing.wait_state(instance_id, InstanceState.CONNECTING)
    wait_for(lambda: not children(pairing), PATIENCE)
    account = pairing.instance(instance_id).account
    assert account is not None
    assert account.device_jid == linked.jid
    assert f"{account.lid}@lid" == linked.lid.replace(f":{linked.device}", "")
    if pairing.settings.uses_postgres:
        assert keystore.accounts(key_files.store_of(pairing.settings, "")) == [linked.jid]
    else:
        keys = pairing.settings.key_store_dir / account.key_store
        assert keys.stat().st_mode & 0o077 == 0


def test_link_of_a_worker_killed_before_it_wrote_it_down_is_taken_over(pairing: Product) -> None:
    instance_id = pairing.new_instance()
    code = pairing.code(instance_id)
    [child] = children(pairing)
    worker = child.parent()
    assert worker is not None
    worker.suspend()
    linked = pairing.sandbox.client.scan(code, OWN_NUMBER, "Owner")
    wait_for(lambda: child.status() == psutil.STATUS_ZOMBIE, PATIENCE, "the phone has linked")
    worker.kill()
    pairing.kill("pairing")
    pairing.lose_worker(instance_id)

    pairing.wait_state(instance_id, InstanceState.CONNECTING)
    account = pairing.instance(instance_id).account
    assert account is not None
    assert account.device_jid == linked.jid


def test_link_made_while_the_way_was_changed_is_kept(pairing: Product) -> None:
    instance_id = pairing.new_instance()
    code = pairing.code(instance_id)
    [child] = children(pairing)
    worker = child.parent()
    assert worker is not None
    worker.suspend()  # it hears neither of what follows until both have happened
    linked = pairing.sandbox.client.scan(code, OWN_NUMBER, "Owner")
    wait_for(lambda: child.status() == psutil.STATUS_ZOMBIE, PATIENCE, "the phone has linked")
    values = {"phone": f"+{OWN_NUMBER}", "country": "RU"}
    pairing.act(pairings.start_by_phone_code, instance_id, **values)
    worker.resume()

    pairing.wait_state(instance_id, InstanceState.CONNECTING)
    account = pairing.instance(instance_id).account
    assert account is not None
    assert account.device_jid == linked.jid
    assert pairing.pairing(instance_id).active is None
    wait_for(lambda: not children(pairing), PATIENCE, "the new attempt has ended")
    if not pairing.settings.uses_postgres:
        assert (pairing.settings.key_store_dir / account.key_store).exists()


def test_code_nobody_looks_at_leaves_nothing_behind(pairing: Product) -> None:
    instance_id = pairing.new_instance()
    pairing.code(instance_id)
    with pairing.app.app_context(), transaction() as session:
        row = session.get_one(Pairing, pairing.pairing(instance_id).id)
        row.asked_at = utcnow() - pairings.NOBODY_ASKS - timedelta(seconds=1)

    pairing.wait_state(instance_id, InstanceState.CREATED)
    wait_until_gone(pairing)


def test_deleted_instance_takes_its_attempt_along(pairing: Product, bob: User) -> None:
    instance_id = pairing.new_instance()
    pairing.code(instance_id)

    with pairing.app.app_context(), transaction() as session:
        owner = session.get_one(User, bob.id)
        deletions.delete(session.get_one(Instance, instance_id), actor=owner)

    wait_until_gone(pairing)


def test_keys_of_an_instance_deleted_without_a_host_are_swept(pairing: Product, bob: User) -> None:
    kept, deleted = pairing.new_instance(), pairing.new_instance()
    for instance_id, number in ((kept, OWN_NUMBER), (deleted, "15550001001")):
        pairing.sandbox.client.scan(pairing.code(instance_id), number, "Owner")
        pairing.wait_state(instance_id, InstanceState.CONNECTING)
    with pairing.app.app_context(), transaction() as session:
        owner = session.get_one(User, bob.id)
        deletions.delete(session.get_one(Instance, deleted), actor=owner)
    for file in pairing.settings.key_store_dir.glob("*"):
        os.utime(file, (0, 0))  # what somebody wrote to a moment ago is left alone

    with pairing.app.app_context():
        assert key_files.sweep() == 1
        assert key_files.sweep() == 0
    account = pairing.instance(kept).account
    assert account is not None
    store = key_files.store_of(pairing.settings, account.key_store)
    assert keystore.accounts(store) == [account.device_jid]


def test_worker_that_dies_takes_the_process_along(pairing: Product) -> None:
    instance_id = pairing.new_instance()
    pairing.code(instance_id)

    pairing.kill("pairing")

    wait_for(lambda: not children(pairing), PATIENCE)
    pairing.lose_worker(instance_id)
    pairing.wait_state(instance_id, InstanceState.FAILED, "pairing_crashed")


def test_network_that_cannot_be_reached_is_told_and_tried_again(pairing: Product) -> None:
    pairing.sandbox.client.set_faults(refuse_connections=True)
    instance_id = pairing.new_instance()
    pairing.act(wishes.reconnect, instance_id)
    pairing.wait_state(instance_id, InstanceState.FAILED, "network_unreachable")
    wait_until_gone(pairing)

    pairing.sandbox.client.reset_faults()

    assert pairing.code(instance_id)


def test_two_phones_are_linked_at_the_same_time(pairing: Product) -> None:
    pairing.start("pairing-2")
    first, second = pairing.new_instance(), pairing.new_instance()
    codes = [pairing.code(first), pairing.code(second)]
    assert len(children(pairing)) == 2

    pairing.sandbox.client.scan(codes[0], OWN_NUMBER, "Owner")
    pairing.sandbox.client.scan(codes[1], "15550001001", "Another owner")

    for instance_id in (first, second):
        pairing.wait_state(instance_id, InstanceState.CONNECTING)


def test_number_that_runs_in_another_instance_is_not_started_twice(
    linked: tuple[Product, str],
) -> None:
    product, first = linked
    second = product.new_instance()
    product.sandbox.client.scan(product.code(second), OWN_NUMBER)

    product.wait_state(second, InstanceState.FAILED, "same_number_elsewhere")
    name = product.instance(first).name
    assert product.instance(second).reason_detail == {"instance": name}

    product.act(wishes.log_out, first)
    product.wait_state(first, InstanceState.LOGGED_OUT, "signed_out_here")
    product.act(wishes.reconnect, second)
    product.wait_state(second, InstanceState.CONNECTED)


def test_attempt_is_worked_on_once(pairing: Product) -> None:
    instance_id = pairing.new_instance()
    pairing.code(instance_id)

    with pairing.app.app_context(), transaction():
        assert not pairings.take(pairing.pairing(instance_id).id)
        db.session.rollback()


def test_worker_that_is_told_to_end_breaks_the_attempt_off_in_words(pairing: Product) -> None:
    instance_id = pairing.new_instance()
    pairing.code(instance_id)

    assert pairing.stop("pairing") == 0

    pairing.wait_state(instance_id, InstanceState.FAILED, "pairing_crashed")
    wait_until_gone(pairing)
