"""A disk of the keys that fills up."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import Settings
from app.core.states import InstanceState, MessageStatus
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for

KEY_DISK_MIB = 12


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Looks often."""
    return settings.model_copy(update={"session_check_seconds": 5})


@pytest.fixture
def full_disk(settings: Settings) -> Iterator[Path]:
    """A small disk of its own for the keys."""
    folder = settings.key_store_dir
    folder.mkdir(parents=True)
    size = f"size={KEY_DISK_MIB}m"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("mounting a small disk is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_disk_of_the_keys_that_fills_up_stops_the_sending_until_there_is_room(
    full_disk: Path, product: Product
) -> None:
    """Of keys in files: on PostgreSQL there are none."""
    product.start("sessions", "pairing", "clock")
    instance_id = product.new_instance()
    product.link(instance_id)
    ballast = full_disk / "ballast"
    with pytest.raises(OSError, match="No space left"):
        ballast.write_bytes(b"x" * KEY_DISK_MIB * 1024 * 1024)
    message_id = product.queue(instance_id, "Waits for room")

    product.wait_state(instance_id, InstanceState.DISCONNECTED, "key_store_unwritable")
    product.sandbox.client.send(PEER_NUMBER, OWN_NUMBER, "Waits too")
    assert product.message(message_id).status == MessageStatus.QUEUED
    assert product.received() == []
    ballast.unlink()

    product.wait_state(instance_id, InstanceState.CONNECTED)
    wait_for(lambda: product.message(message_id).status == MessageStatus.DELIVERED, PATIENCE)
    wait_for(lambda: "Waits too" in {one.body for one in product.messages(instance_id)}, PATIENCE)
    assert [entry["text"] for entry in product.received()] == ["Waits for room"]
