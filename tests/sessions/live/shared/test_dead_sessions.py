"""Connections that stand and are dead, and links that end without a word."""

from __future__ import annotations

import os
import signal

import pytest

from app.core.states import InstanceState, MessageStatus
from app.services import activity
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def more_settings() -> dict[str, object]:
    """Looks often."""
    return {"session_check_seconds": 5}


def reasons(product: Product, instance_id: str) -> list[str | None]:
    """The reasons in the instance's journal, oldest first."""
    with product.app.app_context():
        lines = activity.latest(product.instance(instance_id), limit=100)
    return [line.detail.get("reason") for line in reversed(lines)]


def test_session_that_whatsapp_does_not_answer_is_reopened_and_loses_nothing(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    product.sandbox.client.set_faults(OWN_NUMBER, mute=True)
    message_id = product.queue(instance_id, "Into the void")
    product.sandbox.client.send(PEER_NUMBER, OWN_NUMBER, "Are you there?")

    product.wait_state(instance_id, InstanceState.DISCONNECTED, "no_answer")
    product.sandbox.client.reset_faults()

    product.wait_state(instance_id, InstanceState.CONNECTED)
    wait_for(lambda: product.message(message_id).status != MessageStatus.SENDING, PATIENCE)
    bodies = {"Into the void", "Are you there?"}
    wait_for(lambda: {one.body for one in product.messages(instance_id)} == bodies, PATIENCE)
    assert "no_answer" in reasons(product, instance_id)


def test_session_behind_a_network_that_swallows_everything_comes_back(
    linked: tuple[Product, str],
) -> None:
    """The kernel goes on taking connections and bytes for a process that is stopped."""
    product, instance_id = linked
    os.kill(product.sandbox.announcement.pid, signal.SIGSTOP)
    try:
        product.wait_state(instance_id, InstanceState.DISCONNECTED, "no_answer")
    finally:
        os.kill(product.sandbox.announcement.pid, signal.SIGCONT)

    product.wait_state(instance_id, InstanceState.CONNECTED)


def test_login_that_is_refused_at_once_is_a_logout(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    product.stop("sessions")
    product.sandbox.client.set_faults(OWN_NUMBER, login_failure=401, refusal_delay_ms=0)
    product.start("sessions")

    wait_for(
        lambda: product.instance(instance_id).state == InstanceState.LOGGED_OUT, PATIENCE, "out"
    )
    assert product.instance(instance_id).reason in {"link_ended", "phone_logged_out"}


@pytest.mark.parametrize(("code", "reason"), [(402, "temporary_ban"), (405, "client_outdated")])
def test_login_that_is_refused_for_a_reason_fails_with_it(
    linked: tuple[Product, str], code: int, reason: str
) -> None:
    product, instance_id = linked
    product.sandbox.client.set_faults(OWN_NUMBER, login_failure=code, drop=True)

    product.wait_state(instance_id, InstanceState.FAILED, reason)
    assert code != 402 or product.instance(instance_id).reason_detail["until"]
