"""Media over the control interface: sent by phones, fetched from phones, never whole in memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from app.sandbox.client import SandboxError
from app.sandbox.testing import Sandbox
from tests.sandbox.acts import ALICE, ECHO, FRIEND, received
from tests.waiting import wait_for

MEGABYTE = 1 << 20
BIG = 48 * MEGABYTE


def _peak(sandbox: Sandbox) -> int:
    """The most memory the sandbox has taken so far, in bytes."""
    status = Path(f"/proc/{sandbox.announcement.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _arrived(sandbox: Sandbox, number: str, message_id: str) -> dict[str, Any]:
    return wait_for(
        lambda: next((m for m in sandbox.client.media(number) if m["id"] == message_id), {}), 10
    )


def test_a_large_file_goes_through_without_being_held_in_memory(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    file, back = tmp_path / "large.bin", tmp_path / "back.bin"
    file.write_bytes(os.urandom(MEGABYTE) * (BIG // MEGABYTE))
    sandbox.client.send_media(ALICE, FRIEND, "document", b"warm")
    before = _peak(sandbox)
    sent = sandbox.client.send_media(ALICE, FRIEND, "document", file, file_name="large.bin")
    _arrived(sandbox, FRIEND, sent)
    sandbox.client.save_media(FRIEND, sent, back)
    assert back.read_bytes() == file.read_bytes()
    assert _peak(sandbox) - before < BIG // 4


def test_what_a_phone_received_is_listed_and_kept_over_a_restart(sandbox: Sandbox) -> None:
    described = {"caption": "Чек", "file_name": "чек.pdf", "mime": "application/pdf"}
    sent = sandbox.client.send_media(ALICE, FRIEND, "document", b"%PDF", **described)
    told = _arrived(sandbox, FRIEND, sent)
    assert {name: told[name] for name in (*described, "kind", "from", "size")} == {
        **described,
        **{"kind": "document", "from": ALICE, "size": 4},
    }
    assert received(sandbox, FRIEND)[0]["text"] == "Чек"
    assert received(sandbox, FRIEND)[0]["media"]["sha256"] == told["sha256"]
    sandbox.stop()
    sandbox.start()
    assert sandbox.client.media(FRIEND) == [told]
    assert sandbox.client.media_bytes(FRIEND, sent) == b"%PDF"


def test_a_file_is_echoed_but_echoes_do_not_answer_each_other(sandbox: Sandbox) -> None:
    sandbox.client.add_account("15551000022", "Эхо второе", "echo")
    sandbox.client.send_media(ECHO, "15551000022", "sticker", b"webp")
    sandbox.client.send_media(ALICE, ECHO, "voice", b"opus", seconds=4)
    wait_for(lambda: sandbox.client.media(ALICE), 10)
    (echoed,) = sandbox.client.media(ALICE)
    assert (echoed["kind"], echoed["seconds"], echoed["size"]) == ("voice", 4, 4)
    assert sandbox.client.media("15551000022")[0]["kind"] == "sticker"
    assert [m["media"]["kind"] for m in received(sandbox, ECHO)] == ["voice"]


@pytest.mark.parametrize(
    ("described", "complaint"),
    [
        ({"kind": "smell"}, "kind is one of image, video"),
        ({"seconds": "long"}, "seconds is a number"),
        ({"width": -5}, "width is a number"),
        ({"view_once": "perhaps"}, "view_once is true or false"),
        ({"view_once": True, "kind": "document"}, "can be seen once"),
        ({"to": "nobody"}, "'nobody' is not a phone number"),
    ],
)
def test_a_file_that_is_described_wrongly_is_refused(
    calm: Sandbox, described: dict[str, Any], complaint: str
) -> None:
    wanted = {"to": FRIEND, "kind": "image"} | described
    with pytest.raises(SandboxError, match=complaint) as refused:
        calm.client.send_media(ALICE, file=b"x", **wanted)
    assert refused.value.status == 400


def test_what_was_not_received_is_not_found(calm: Sandbox) -> None:
    assert calm.client.media(ALICE) == []
    for number, complaint in ((ALICE, "has received no file"), ("15559999999", "not on the")):
        with pytest.raises(SandboxError, match=complaint) as refused:
            calm.client.media_bytes(number, "a/b?c")
        assert refused.value.status == 404


def test_pictures_and_blocked_numbers_are_kept_over_a_restart(sandbox: Sandbox) -> None:
    client = sandbox.client
    picture_id = client.set_picture(ALICE, b"jpeg")
    client.block(ALICE, FRIEND)
    sandbox.stop()
    sandbox.start()
    client = sandbox.client
    assert f"/{ALICE}.{picture_id}.jpg?" in client.picture_url(ALICE)
    assert client.account(ALICE)["blocked"] == [FRIEND]
    assert client.set_picture(ALICE, b"") is None
    with pytest.raises(SandboxError) as refused:
        client.picture_url(ALICE)
    assert refused.value.status == 404
    with pytest.raises(SandboxError) as refused:
        client.set_picture("1203630000@g.us", b"jpeg")
    assert refused.value.status == 404
