"""Nodes on the wire: every form of string, address and content, and what is no node."""

from __future__ import annotations

import zlib

import pytest

from app.sandbox.wire import tokens
from app.sandbox.wire.codec import CodecError, pack, unpack
from app.sandbox.wire.jid import JID, SERVER
from app.sandbox.wire.node import Node, StanzaError

NUMBER = "15551000002"


def attribute(value: str | JID) -> bytes:
    """The bytes of one attribute's value, without the node around it."""
    empty = pack(Node("iq", {"id": ""}))
    start = len(empty) - 2  # an empty string takes two bytes
    return pack(Node("iq", {"id": value}))[start:]


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ("s.whatsapp.net", bytes((3,))),
        ("read-self", bytes((236, 0))),
        ("12-34.5", bytes((255, 0x84, 0x12, 0xA3, 0x4B, 0x5F))),
        ("ABC4", bytes((251, 0x02, 0xAB, 0xC4))),
        ("привет", bytes((252, 12)) + "привет".encode()),
        ("x" * 300, bytes((253, 0, 1, 44)) + b"x" * 300),
        (JID(NUMBER, "s.whatsapp.net"), bytes.fromhex("faff861555100000 2f03")),
        (JID(NUMBER, "s.whatsapp.net", 1), bytes.fromhex("f70001ff8615551000002f")),
        (JID("77", "lid", 9), bytes.fromhex("f70109ff0177")),
        (SERVER, bytes((250, 0, 3))),
    ],
)
def test_a_value_has_its_wire_form(value: str | JID, wire: bytes) -> None:
    assert attribute(value) == wire


@pytest.mark.parametrize(
    "value",
    [
        *("", "0", "receipt", "3EB0C0FFEE", "3a lower", "1.2-3", "F" * 127, "F" * 128, "9" * 127),
        *("ё" * 200, "y" * (1 << 20)),
        *(JID("77", "lid"), JID("77", "lid", 255), JID(NUMBER, "s.whatsapp.net", 3)),
        *(JID("123-456", "g.us"), JID("status", "broadcast"), SERVER),
    ],
)
def test_a_value_survives_the_wire(value: str | JID) -> None:
    assert unpack(pack(Node("iq", {"id": value}))).attrs == {"id": value}


def test_every_token_survives_the_wire() -> None:
    known = [*tokens.SINGLE[1:], *(token for table in tokens.DOUBLE for token in table)]
    assert len(known) == 235 + 4 * 256
    assert [unpack(pack(Node("iq", {"id": token}))).attrs["id"] for token in known] == known


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"receipt",
        bytes(range(256)) * 20,
        b"z" * (1 << 20),
        [Node("ref", {}, b"1"), Node("ref", {"type": "a"})],
        [Node("item", {"id": str(n)}) for n in range(300)],
    ],
)
def test_content_survives_the_wire(content: bytes | list[Node] | None) -> None:
    node = Node("message", {"to": JID("77", "lid", 2), "id": "A1"}, content)
    assert unpack(pack(node)) == node


def test_bytes_that_spell_a_token_stay_bytes() -> None:
    assert unpack(pack(Node("ref", {}, b"receipt"))).content == b"receipt"


def test_a_number_is_written_as_text() -> None:
    assert unpack(pack(Node("count", {"value": 812}))).attrs == {"value": "812"}


def test_a_compressed_frame_is_read() -> None:
    node = Node("iq", {"id": "7"}, [Node("ping")])
    assert unpack(b"\x02" + zlib.compress(pack(node)[1:])) == node


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x00",
        bytes((0, 0)),
        bytes((0, 248, 0)),
        bytes((0, 248, 1, 255, 1, 0xCC)),
        bytes((0, 248, 1, 240)),
        bytes((0, 248, 1, 3, 99)),
        b"\x02not compressed",
        pack(Node("message", {"id": "A1"}, b"12345"))[:-1],
    ],
)
def test_what_is_no_node_is_refused(frame: bytes) -> None:
    with pytest.raises(CodecError):
        unpack(frame)


def test_a_node_gives_what_it_has_and_names_what_it_lacks() -> None:
    node = Node("iq", {"to": SERVER, "id": "1"}, [Node("usync", {}, [Node("list", {}, b"x")])])
    assert node.child("usync", "list").data == b"x"
    assert node.jid("to") == SERVER
    assert node.find("usync", "query") is None
    with pytest.raises(StanzaError, match="usync/query"):
        node.child("usync", "query")
    with pytest.raises(StanzaError, match="'id'"):
        node.jid("id")
    with pytest.raises(StanzaError, match="no data"):
        _ = node.data


@pytest.mark.parametrize(
    "text", ["15551000002:1@s.whatsapp.net", "77@lid", "s.whatsapp.net", "123-456@g.us"]
)
def test_an_address_is_written_as_it_is_read(text: str) -> None:
    assert str(JID.parse(text)) == text


@pytest.mark.parametrize("text", ["@lid", "77@", "77:x@lid"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        JID.parse(text)
