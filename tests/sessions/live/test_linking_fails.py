"""Everything that can go wrong while a phone is linked, each told for what it is."""

from __future__ import annotations

from app.core.states import InstanceState
from app.services import sessions as wishes
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for

FAILED = InstanceState.FAILED


def key_files(product: Product) -> list[str]:
    return sorted(path.name for path in product.settings.key_store_dir.glob("*"))


def test_phone_that_refuses_the_qr_code_is_told(product: Product) -> None:
    product.start("pairing", "clock")
    instance_id = product.new_instance()

    product.sandbox.client.fail_to_link("refuse", OWN_NUMBER, qr=product.code(instance_id))

    product.wait_state(instance_id, FAILED, "pairing_refused")
    assert product.sandbox.client.account(OWN_NUMBER)["devices"] == []
    wait_for(lambda: not key_files(product), PATIENCE, "the keys are gone")


def test_phone_that_loses_its_network_after_the_scan_is_told(product: Product) -> None:
    product.start("pairing", "clock")
    instance_id = product.new_instance()

    product.sandbox.client.fail_to_link("break_off", OWN_NUMBER, qr=product.code(instance_id))

    product.wait_state(instance_id, FAILED, "pairing_cut_off")
    wait_for(lambda: not key_files(product), PATIENCE, "the keys are gone")
    assert product.code(instance_id)


def test_version_that_whatsapp_no_longer_accepts_is_told(product: Product) -> None:
    product.start("pairing", "clock")
    product.sandbox.client.set_faults(pairing_failure=405)
    instance_id = product.new_instance()

    product.act(wishes.reconnect, instance_id)

    product.wait_state(instance_id, FAILED, "client_outdated")
    product.sandbox.client.reset_faults()
    assert product.code(instance_id)


def test_phone_linked_again_with_the_same_number_keeps_its_chats(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    message_id = say(product, instance_id, "Before")
    log_out(product, instance_id)

    product.link(instance_id)

    again = say(product, instance_id, "After")
    assert product.message(again).chat_id == product.message(message_id).chat_id
    assert len(product.chats(instance_id)) == 1


def test_another_number_has_chats_of_its_own(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    first = product.message(say(product, instance_id, "From the first number"))
    log_out(product, instance_id)

    product.link(instance_id, "15550001001")

    second = product.message(say(product, instance_id, "From the second number"))
    assert first.chat_id != second.chat_id
    account = product.instance(instance_id).account
    assert account is not None
    assert (account.phone, second.account_id) == ("15550001001", account.id)
    assert {entry["from"] for entry in product.received()} == {OWN_NUMBER, "15550001001"}


def say(product: Product, instance_id: str, text: str) -> str:
    """Sends a text and waits until it arrived; the message's id."""
    message_id = product.queue(instance_id, text, to=PEER_NUMBER)
    wait_for(lambda: text in {one["text"] for one in product.received()}, PATIENCE, text)
    return message_id


def log_out(product: Product, instance_id: str) -> None:
    product.act(wishes.log_out, instance_id)
    product.wait_state(instance_id, InstanceState.LOGGED_OUT, "signed_out_here")
