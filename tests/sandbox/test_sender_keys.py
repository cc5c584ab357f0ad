"""One device writes for a group: who has its key reads it; in any order, and once."""

import json

import pytest

from app.sandbox.signal.errors import BadMessage, NoSession, OldCounter
from app.sandbox.signal.sender_keys import SenderKeys

GROUP, WRITER = "120363@g.us", "100:1"


@pytest.fixture
def writer() -> SenderKeys:
    return SenderKeys()


def _reader_of(writer: SenderKeys) -> SenderKeys:
    reader = SenderKeys()
    reader.learn(GROUP, WRITER, writer.distribution(GROUP))
    return reader


def test_everybody_with_the_key_reads_in_any_order(writer: SenderKeys) -> None:
    readers = [_reader_of(writer), _reader_of(writer)]
    texts = [b"one", b"two", b"three"]
    sealed = [writer.encrypt(GROUP, text) for text in texts]
    for reader in readers:
        read = {at: reader.decrypt(GROUP, WRITER, sealed[at]) for at in (2, 0, 1)}
        assert [read[at] for at in range(3)] == texts


def test_who_comes_later_reads_only_what_comes_later(writer: SenderKeys) -> None:
    first = writer.encrypt(GROUP, b"before")
    late = _reader_of(writer)
    assert late.decrypt(GROUP, WRITER, writer.encrypt(GROUP, b"after")) == b"after"
    with pytest.raises(OldCounter):
        late.decrypt(GROUP, WRITER, first)


def test_a_message_is_read_once(writer: SenderKeys) -> None:
    reader, sealed = _reader_of(writer), writer.encrypt(GROUP, b"once")
    reader.decrypt(GROUP, WRITER, sealed)
    with pytest.raises(OldCounter):
        reader.decrypt(GROUP, WRITER, sealed)


def test_without_the_key_nothing_is_read(writer: SenderKeys) -> None:
    with pytest.raises(NoSession):
        SenderKeys().decrypt(GROUP, WRITER, writer.encrypt(GROUP, b"secret"))


def test_a_new_chain_is_not_read_with_the_old_key(writer: SenderKeys) -> None:
    reader = _reader_of(writer)
    writer.begin_anew(GROUP)
    sealed = writer.encrypt(GROUP, b"without them")
    with pytest.raises(NoSession):
        reader.decrypt(GROUP, WRITER, sealed)
    reader.learn(GROUP, WRITER, writer.distribution(GROUP))
    assert reader.decrypt(GROUP, WRITER, writer.encrypt(GROUP, b"next")) == b"next"


@pytest.mark.parametrize("position", [3, -70, -1])
def test_a_changed_byte_is_noticed_and_changes_nothing(writer: SenderKeys, position: int) -> None:
    reader, sealed = _reader_of(writer), bytearray(writer.encrypt(GROUP, b"whole"))
    sealed[position] ^= 1
    with pytest.raises((BadMessage, NoSession)):
        reader.decrypt(GROUP, WRITER, bytes(sealed))
    sealed[position] ^= 1
    assert reader.decrypt(GROUP, WRITER, bytes(sealed)) == b"whole"


def test_keys_go_on_after_a_restart(writer: SenderKeys) -> None:
    reader = _reader_of(writer)
    skipped = writer.encrypt(GROUP, b"skipped")
    reader.decrypt(GROUP, WRITER, writer.encrypt(GROUP, b"read"))
    reader = SenderKeys.load(json.loads(json.dumps(reader.dump())))
    writer = SenderKeys.load(json.loads(json.dumps(writer.dump())))
    assert reader.decrypt(GROUP, WRITER, skipped) == b"skipped"
    assert reader.decrypt(GROUP, WRITER, writer.encrypt(GROUP, b"new")) == b"new"
