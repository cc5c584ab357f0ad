"""Linking by a code that is typed on the phone, with the real engine."""

from __future__ import annotations

import re
from datetime import timedelta

import psutil
import pytest

from app.clock import utcnow
from app.core.states import InstanceState
from app.models.pairing import PHONE_CODE
from app.sandbox.client import SandboxError
from app.services import pairings
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for


@pytest.fixture
def pairing(product: Product) -> Product:
    """A product that links phones; the phone to link is on the network."""
    product.sandbox.client.add_account(OWN_NUMBER, "Owner")
    product.start("pairing", "clock")
    return product


def ask(product: Product, instance_id: str, number: str = OWN_NUMBER) -> None:
    values = {"phone": f"+{number}", "country": "RU"}
    product.act(pairings.start_by_phone_code, instance_id, **values)


def phone_code(product: Product, instance_id: str, number: str = OWN_NUMBER) -> str:
    """The code for a number, once it is shown."""
    ask(product, instance_id, number)

    def shown() -> str | None:
        attempt = product.pairing(instance_id)
        return attempt.code if attempt.phone == number else None

    return str(wait_for(shown, PATIENCE, "a code is shown"))


def test_typed_code_links_the_phone(pairing: Product) -> None:
    instance_id = pairing.new_instance()
    code = phone_code(pairing, instance_id)
    assert re.fullmatch("[1-9A-HJ-NP-Z]{4}-[1-9A-HJ-NP-Z]{4}", code)
    attempt = pairing.pairing(instance_id)
    assert (attempt.method, attempt.phone) == (PHONE_CODE, OWN_NUMBER)
    assert attempt.code_expires_at is not None
    lasts = attempt.code_expires_at - utcnow()
    assert timedelta(seconds=100) < lasts <= timedelta(seconds=160)

    linked = pairing.sandbox.client.type_code(code, OWN_NUMBER)

    pairing.wait_state(instance_id, InstanceState.CONNECTING)
    account = pairing.instance(instance_id).account
    assert account is not None
    assert (account.phone, account.device_jid) == (OWN_NUMBER, linked.jid)
    pairing.start("sessions")
    pairing.wait_state(instance_id, InstanceState.CONNECTED)
    assert pairing.sandbox.client.state()["unhandled"] == []


def test_link_of_a_worker_killed_before_it_wrote_it_down_is_taken_over(pairing: Product) -> None:
    instance_id = pairing.new_instance()
    code = phone_code(pairing, instance_id)
    [child] = pairing.running("app.sessions.pairing_process")
    worker = child.parent()
    assert worker is not None
    worker.suspend()
    linked = pairing.sandbox.client.type_code(code, OWN_NUMBER)
    wait_for(lambda: child.status() == psutil.STATUS_ZOMBIE, PATIENCE, "the phone has linked")
    worker.kill()
    pairing.kill("pairing")
    pairing.lose_worker(instance_id)

    pairing.wait_state(instance_id, InstanceState.CONNECTING)
    account = pairing.instance(instance_id).account
    assert account is not None
    assert account.device_jid == linked.jid


def test_attempt_without_a_link_takes_over_no_other_link_of_the_number(pairing: Product) -> None:
    first, second = pairing.new_instance(), pairing.new_instance()
    pairing.sandbox.client.type_code(phone_code(pairing, first), OWN_NUMBER)
    pairing.wait_state(first, InstanceState.CONNECTING)
    phone_code(pairing, second)
    pairing.kill("pairing")
    pairing.lose_worker(second)

    pairing.wait_state(second, InstanceState.FAILED, "pairing_crashed")
    assert pairing.instance(second).account is None


def test_wrong_code_links_nothing_and_the_right_one_still_does(pairing: Product) -> None:
    instance_id = pairing.new_instance()
    code = phone_code(pairing, instance_id)

    with pytest.raises(SandboxError, match="not the code that the device shows"):
        pairing.sandbox.client.type_code("ABCD-EFGH", OWN_NUMBER)
    assert pairing.sandbox.client.account(OWN_NUMBER)["devices"] == []

    pairing.sandbox.client.type_code(code, OWN_NUMBER)
    pairing.wait_state(instance_id, InstanceState.CONNECTING)


def test_code_is_of_no_use_on_another_phone(pairing: Product) -> None:
    instance_id = pairing.new_instance()
    code = phone_code(pairing, instance_id)

    with pytest.raises(SandboxError, match="no device waits for a code on this number"):
        pairing.sandbox.client.type_code(code, PEER_NUMBER)

    assert pairing.instance(instance_id).state == InstanceState.PAIRING


def test_number_that_whatsapp_does_not_know_is_told(pairing: Product) -> None:
    instance_id = pairing.new_instance()

    ask(pairing, instance_id, "15550009999")

    pairing.wait_state(instance_id, InstanceState.FAILED, "number_refused")


def test_phone_that_refuses_is_told(pairing: Product) -> None:
    instance_id = pairing.new_instance()
    code = phone_code(pairing, instance_id)

    pairing.sandbox.client.fail_to_link("refuse", OWN_NUMBER, code=code)

    pairing.wait_state(instance_id, InstanceState.FAILED, "pairing_refused")


def test_another_number_and_the_qr_code_take_the_place_of_a_code(pairing: Product) -> None:
    instance_id = pairing.new_instance()
    first = phone_code(pairing, instance_id)
    second = phone_code(pairing, instance_id, PEER_NUMBER)
    assert first != second

    pairing.act(pairings.start_by_qr, instance_id)

    wait_for(lambda: "," in (pairing.pairing(instance_id).code or ""), PATIENCE, "a QR code")
    assert len(pairing.running("app.sessions.pairing_process")) == 1
    with pytest.raises(SandboxError, match="expired"):
        pairing.sandbox.client.type_code(second, PEER_NUMBER)
