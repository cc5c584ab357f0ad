"""What no client should send, at every layer: the network goes on for everybody else."""

from __future__ import annotations

import random
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.sandbox.protos import ClientPayload
from app.sandbox.signal.curve import KeyPair
from app.sandbox.testing import Sandbox
from app.sandbox.wire import codec
from app.sandbox.wire.codec import CodecError, pack, unpack
from app.sandbox.wire.jid import JID
from app.sandbox.wire.node import Node
from tests.sandbox.acts import ALICE, link
from tests.sandbox.engine import Engine
from tests.sandbox.raw_client import REFUSED, RawClient

SEED = 20261128
MESSAGE = Node(
    "message",
    {"id": "3EB0A1", "to": JID("15551000010", "s.whatsapp.net"), "type": "text"},
    [Node("enc", {"v": "2", "type": "msg"}, b"\x33\x0a\x21" + bytes(60))],
)
STANZAS = [
    MESSAGE,
    Node("iq", {"id": "7", "xmlns": "encrypt", "type": "get", "to": "s.whatsapp.net"}),
    Node("receipt", {"id": "1", "to": JID("15551000010", "s.whatsapp.net"), "type": "read"}),
    Node("presence", {"type": "available", "name": "x"}),
    Node("ack", {"id": "1", "class": "message", "to": "s.whatsapp.net"}),
]


@pytest.fixture(scope="module")
def network() -> Iterator[Sandbox]:
    """A network of this module alone, which must be the same process in the end."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def open_client(network: Sandbox) -> Iterator[Callable[[], RawClient]]:
    """Opens connections; afterwards the network answers as ever, and no exception went unseen."""
    opened: list[RawClient] = []
    said = len(network.log_file.read_text())

    def start() -> RawClient:
        opened.append(RawClient(network))
        return opened[-1]

    yield start
    for client in opened:
        client.close()
    with closing(RawClient(network)) as another:
        another.connect().secure().upgrade().greet()
        assert another.receive()  # it is told that nobody knows it
    assert network.client.state()["accounts"]
    assert "Traceback" not in network.log_file.read_text()[said:]


def dice() -> random.Random:
    """The same chances every time."""
    return random.Random(SEED)  # noqa: S311 - nothing is secret here


def bent(chance: random.Random, data: bytes) -> bytes:
    """`data` with something wrong: bytes changed, left out, repeated, or cut off."""
    piece = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(piece) or 1)
        match chance.randrange(4):
            case 0:
                piece[at : at + 1] = chance.randbytes(1)
            case 1:
                del piece[at : at + chance.randint(1, 8)]
            case 2:
                piece[at:at] = piece[at : at + chance.randint(1, 8)]
            case _:
                piece = piece[: at + 1]
    return bytes(piece)


def reworded(chance: random.Random, data: bytes) -> bytes:
    """A node that can be read, with something else in it than belongs there."""
    node = unpack(data)
    for name in list(node.attrs):
        if chance.random() < 0.4:
            node.attrs[name] = chance.choice(["", "x" * 300, "-1", "@", "s.whatsapp.net"])
    if chance.random() < 0.5:
        node = replace(node, content=chance.choice([None, b"", b"\xff" * 50, [Node("x")]]))
    return pack(node)


def test_no_bytes_make_the_codec_fail_in_another_way_than_its_own() -> None:
    chance = dice()
    right = [pack(node) for node in STANZAS]
    for number in range(20_000):
        frame = chance.randbytes(chance.randint(0, 60)) if number % 3 == 0 else b""
        with suppress(CodecError):
            unpack(frame or bent(chance, chance.choice(right)))


@pytest.mark.parametrize(
    "frame",
    [
        b"\x00" + b"\xf8\x02\x03" * 5000,
        b"\x02" + zlib.compress(bytes(codec.MOST_BYTES + 1), 9),
        b"\x02" + zlib.compress(pack(MESSAGE)[1:])[:-3],
        b"\x00\xf9\xff\xff\x03",
    ],
    ids=["nested", "bomb", "cut", "endless"],
)
def test_nodes_that_are_too_much_are_refused(frame: bytes) -> None:
    with pytest.raises(CodecError):
        unpack(frame)


@pytest.mark.parametrize("layer", ["socket", "host", "tls", "websocket"])
def test_noise_at_any_layer_ends_one_connection(
    open_client: Callable[[], RawClient], layer: str
) -> None:
    chance = dice()
    for _ in range(20):
        client = open_client()
        with suppress(*REFUSED):
            if layer != "socket":
                client.connect()
            if layer in {"tls", "websocket"}:
                client.secure()
            if layer == "websocket":
                client.upgrade()
            client.line.sendall(chance.randbytes(chance.randint(1, 400)))
        client.close()


def test_a_handshake_may_end_anywhere(open_client: Callable[[], RawClient]) -> None:
    chance = dice()
    for _ in range(20):
        client = open_client().connect().secure().upgrade()
        hello = client.noise.hello()
        whole = b"WA\x06\x03" + len(hello).to_bytes(3, "big") + hello
        with suppress(*REFUSED):
            client.frame(
                chance.choice([whole[: chance.randrange(len(whole))], bent(chance, whole)])
            )
        client.close()


@pytest.mark.parametrize("payload", [b"", b"\xff" * 40, b"\x08\x01", b"\x9a\x01\x02\x0a\x00"])
def test_who_says_nonsense_of_itself_is_let_go(
    open_client: Callable[[], RawClient], payload: bytes
) -> None:
    client = open_client().connect().secure().upgrade().greet(payload)
    with suppress(*REFUSED):
        client.receive()


def test_stanzas_that_are_none_end_one_connection(
    network: Sandbox, open_client: Callable[[], RawClient]
) -> None:
    chance = dice()
    for _ in range(20):
        client = open_client().connect().secure().upgrade().greet()
        with suppress(*REFUSED):
            for _ in range(5):
                client.say(bent(chance, pack(chance.choice(STANZAS))))
        client.close()


def test_a_linked_device_may_send_what_it_likes(
    network: Sandbox, open_client: Callable[[], RawClient], tmp_path: Path
) -> None:
    engine = Engine(network.announcement, tmp_path)
    link(network, lambda _: engine)
    engine.kill()
    with closing(sqlite3.connect(tmp_path / "keys.db")) as store:
        jid, key = store.execute("SELECT jid, noise_key FROM whatsmeow_device").fetchone()
    device = int(jid.partition("@")[0].partition(":")[2])
    payload = ClientPayload(username=int(ALICE), device=device).SerializeToString()
    logins = 0
    chance = dice()
    for number in range(20):
        client = open_client()
        client.noise.static = KeyPair.from_private(key)
        client.connect().secure().upgrade().greet(payload)
        with suppress(*REFUSED):
            logins += client.receive_tag() == "success"
            for _ in range(5):
                stanza = pack(chance.choice(STANZAS))
                client.say(bent(chance, stanza) if number % 2 else reworded(chance, stanza))
        client.close()
    assert logins == 20


def test_a_frame_of_another_key_ends_its_connection(
    open_client: Callable[[], RawClient],
) -> None:
    client = open_client().connect().secure().upgrade().greet()
    client.frame((40).to_bytes(3, "big") + bytes(40))
    with pytest.raises(REFUSED):
        while True:
            client.receive()


def test_a_frame_that_never_ends_takes_no_memory(
    network: Sandbox, open_client: Callable[[], RawClient]
) -> None:
    process = psutil.Process(network.announcement.pid)
    before = process.memory_info().rss
    bomb = zlib.compress(bytes(codec.MOST_BYTES * 8), 9)
    for _ in range(20):
        client = open_client().connect().secure().upgrade().greet()
        with suppress(*REFUSED):
            client.say(b"\x02" + bomb)
            client.frame(b"\xff\xff\xff" + bytes(60_000))
    assert process.memory_info().rss - before < 150_000_000
