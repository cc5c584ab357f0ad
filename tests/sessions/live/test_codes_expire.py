"""Codes that nobody uses. The engine's own clocks decide, so this takes three minutes, idly."""

from __future__ import annotations

import time

import pytest

from app.core.states import InstanceState
from app.services import pairings
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, Product
from tests.waiting import wait_for

_LIFETIME = 160.0
"""Seconds: six QR codes, the first for 60 and the others for 20 each."""


@pytest.mark.timeout(360)
def test_codes_that_nobody_uses_expire_in_words_and_leave_nothing_behind(
    product: Product,
) -> None:
    product.sandbox.client.add_account(OWN_NUMBER, "Owner")
    product.start("pairing", "pairing-2", "clock")
    by_qr, by_phone = product.new_instance(), product.new_instance()
    first = product.code(by_qr)
    product.act(pairings.start_by_phone_code, by_phone, phone=f"+{OWN_NUMBER}", country="RU")
    wait_for(lambda: product.pairing(by_phone).code, PATIENCE, "a phone code is shown")

    keep_looking(product, by_qr, by_phone)

    product.wait_state(by_qr, InstanceState.FAILED, "qr_expired")
    product.wait_state(by_phone, InstanceState.FAILED, "code_expired")
    wait_for(lambda: not product.running("app.sessions.pairing_process"), PATIENCE)
    assert list(product.settings.key_store_dir.glob("*")) == []
    assert product.code(by_qr) != first


def keep_looking(product: Product, *instances: str) -> None:
    """Looks at the codes, as open pages do, until they have run out."""
    end = time.monotonic() + _LIFETIME + PATIENCE
    while time.monotonic() < end and any(
        product.instance(one).state == InstanceState.PAIRING for one in instances
    ):
        for one in instances:
            product.act(pairings.asked, one)
        time.sleep(5)
