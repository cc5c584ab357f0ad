"""Losing WhatsApp, and coming back, on the real engine."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.core.states import DesiredState, InstanceState, MessageStatus
from app.engine import keystore
from app.extensions import db
from app.services import sessions as wishes
from app.sessions import key_files
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, Product
from tests.waiting import wait_for


def test_dropped_connection_comes_back_and_the_queue_goes_out(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    product.sandbox.client.set_faults(refuse_connections=True, drop=True)
    product.wait_state(instance_id, InstanceState.DISCONNECTED, "connection_lost")
    message_id = product.queue(instance_id, "Kept")
    assert product.message(message_id).status == MessageStatus.QUEUED

    product.sandbox.client.reset_faults()

    product.wait_state(instance_id, InstanceState.CONNECTED)
    wait_for(lambda: product.message(message_id).status == MessageStatus.DELIVERED, PATIENCE)
    assert [entry["text"] for entry in product.received()] == ["Kept"]


def test_host_without_a_way_to_whatsapp_says_so_and_connects_when_there_is_one(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    product.stop("sessions")
    product.sandbox.client.set_faults(refuse_connections=True)
    product.start("sessions")
    product.wait_state(instance_id, InstanceState.DISCONNECTED, "network_unreachable")
    assert product.instance(instance_id).retry_at is not None

    product.sandbox.client.reset_faults()

    product.wait_state(instance_id, InstanceState.CONNECTED)


def test_phone_that_removes_the_device_ends_the_session(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    account = product.instance(instance_id).account
    assert account is not None

    product.sandbox.client.remove_device(OWN_NUMBER, account.device)

    product.wait_state(instance_id, InstanceState.LOGGED_OUT, "phone_logged_out")
    now = product.instance(instance_id)
    assert now.desired == DesiredState.STOPPED
    assert now.account is not None
    assert now.account.unlinked_at is not None
    store = key_files.store_of(product.settings, account.key_store)
    wait_for(lambda: not keystore.accounts(store), PATIENCE, "the keys are gone")
    if not product.settings.uses_postgres:
        wait_for(lambda: not Path(store).exists(), PATIENCE, "their file is gone")


def test_signing_out_here_takes_the_device_off_the_phone_and_another_link_works(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    first = product.instance(instance_id).account_id

    product.act(wishes.log_out, instance_id)

    product.wait_state(instance_id, InstanceState.LOGGED_OUT, "signed_out_here")
    assert product.sandbox.client.account(OWN_NUMBER)["devices"] == []
    product.link(instance_id)
    assert product.instance(instance_id).account_id == first


def test_session_opened_by_another_program_is_not_fought_over(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked

    product.sandbox.client.set_faults(OWN_NUMBER, replace=True)

    product.wait_state(instance_id, InstanceState.FAILED, "stream_replaced")
    product.act(wishes.reconnect, instance_id)
    product.wait_state(instance_id, InstanceState.CONNECTED)


def test_host_that_is_told_to_end_gives_its_sessions_back_at_once(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked

    assert product.stop("sessions") == 0

    product.wait_state(instance_id, InstanceState.DISCONNECTED, "host_lost")
    product.start("sessions")
    product.wait_state(instance_id, InstanceState.CONNECTED)


def test_host_that_still_runs_elsewhere_cannot_end_the_session_it_lost(
    linked: tuple[Product, str],
) -> None:
    """As if on another machine: nobody here can kill it when its lease runs out."""
    product, instance_id = linked
    with _host_on_another_machine(product) as far:
        product.start("sessions")
        wait_for(lambda: product.epoch(instance_id) == 2, PATIENCE, "the lease was taken over")
        product.wait_state(instance_id, InstanceState.CONNECTED)

        far.send_signal(signal.SIGCONT)

        product.sandbox.client.set_faults(OWN_NUMBER, replace=True)
        product.wait_state(instance_id, InstanceState.DISCONNECTED, "taken_back")
        product.wait_state(instance_id, InstanceState.CONNECTED)
        message_id = product.queue(instance_id, "Still ours")
        wait_for(lambda: product.message(message_id).status == MessageStatus.DELIVERED, PATIENCE)


@contextmanager
def _host_on_another_machine(product: Product) -> Iterator[subprocess.Popen[bytes]]:
    """Stops the host between two transactions: on another machine it would lock nothing here."""
    far = product.processes.pop("sessions")
    try:
        wait_for(lambda: _is_stopped_outside_a_transaction(far, product), PATIENCE, "it is stopped")
        for file in (product.settings.data_dir / "hosts").iterdir():
            file.unlink()
        yield far
    finally:
        far.kill()
        far.wait()


def _is_stopped_outside_a_transaction(host: subprocess.Popen[bytes], product: Product) -> bool:
    host.send_signal(signal.SIGSTOP)
    try:
        with product.app.app_context(), db.engine.begin() as connection:
            connection.execute(text("UPDATE instances SET id = id"))
    except OperationalError:
        host.send_signal(signal.SIGCONT)
        return False
    return True
