"""Two devices with sessions: what they write, the other reads; in order, out of order, at once."""

import dataclasses
import json

import pytest

from app.sandbox.signal import ratchet
from app.sandbox.signal.session import (
    BadMessage,
    NoSession,
    OldCounter,
    SignalDevice,
    SignalError,
)


class Pair:
    """Alice, with a session to Bob that Bob does not know of yet."""

    def __init__(self, one_time: bool = True) -> None:
        self.alice, self.bob = SignalDevice(), SignalDevice()
        self.alice.start("bob", self.bob.bundle(one_time))

    def to_bob(self, text: bytes) -> tuple[str, bytes]:
        return self.alice.encrypt("bob", text)

    def to_alice(self, text: bytes) -> tuple[str, bytes]:
        return self.bob.encrypt("alice", text)

    def bob_reads(self, message: tuple[str, bytes]) -> bytes:
        return self.bob.decrypt("alice", *message)

    def alice_reads(self, message: tuple[str, bytes]) -> bytes:
        return self.alice.decrypt("bob", *message)


@pytest.fixture
def pair() -> Pair:
    return Pair()


@pytest.fixture
def warm(pair: Pair) -> Pair:
    """Both sides have heard from each other."""
    pair.bob_reads(pair.to_bob(b"hello"))
    pair.alice_reads(pair.to_alice(b"hello yourself"))
    return pair


@pytest.mark.parametrize("one_time", [True, False])
def test_first_message_is_read(one_time):
    pair = Pair(one_time)
    assert pair.bob_reads(pair.to_bob(b"hello")) == b"hello"


def test_messages_are_pkmsg_until_the_other_side_answers(pair):
    kinds = [pair.to_bob(b"one")[0], pair.to_bob(b"two")[0]]
    pair.bob_reads(pair.to_bob(b"three"))
    pair.alice_reads(pair.to_alice(b"answer"))
    assert [*kinds, pair.to_bob(b"four")[0]] == ["pkmsg", "pkmsg", "msg"]


def test_answer_of_the_receiver_is_msg(pair):
    pair.bob_reads(pair.to_bob(b"hello"))
    assert pair.to_alice(b"hello")[0] == "msg"


def test_a_long_conversation_is_read(warm):
    for n in range(50):
        text = f"message {n}".encode()
        assert warm.bob_reads(warm.to_bob(text)) == text
        assert warm.alice_reads(warm.to_alice(text)) == text


def test_empty_and_large_plaintexts_are_read(warm):
    for text in (b"", b"x" * 16, b"y" * 100_000):
        assert warm.bob_reads(warm.to_bob(text)) == text


def test_messages_are_read_out_of_order(warm):
    sent = [(n, warm.to_bob(str(n).encode())) for n in range(20)]
    for n, message in reversed(sent):
        assert warm.bob_reads(message) == str(n).encode()


def test_late_message_of_an_earlier_ratchet_key_is_read(warm):
    late = warm.to_bob(b"late")
    warm.bob_reads(warm.to_bob(b"on time"))
    warm.alice_reads(warm.to_alice(b"answer"))
    warm.bob_reads(warm.to_bob(b"next key"))
    assert warm.bob_reads(late) == b"late"


def test_duplicate_is_an_old_counter(warm):
    message = warm.to_bob(b"once")
    warm.bob_reads(message)
    with pytest.raises(OldCounter):
        warm.bob_reads(message)


def test_duplicate_of_the_first_message_is_an_old_counter(pair):
    message = pair.to_bob(b"once")
    pair.bob_reads(message)
    with pytest.raises(OldCounter):
        pair.bob_reads(message)


def test_skipping_2000_messages_is_allowed_and_2001_is_not(warm):
    sent = [warm.to_bob(str(n).encode()) for n in range(2002)]
    with pytest.raises(BadMessage):
        warm.bob_reads(sent[2001])
    assert warm.bob_reads(sent[2000]) == b"2000"
    assert warm.bob_reads(sent[0]) == b"0"


def test_only_the_last_2000_skipped_messages_are_kept(warm):
    sent = [warm.to_bob(str(n).encode()) for n in range(2010)]
    warm.bob_reads(sent[1999])
    warm.bob_reads(sent[2009])
    with pytest.raises(OldCounter):
        warm.bob_reads(sent[0])
    assert warm.bob_reads(sent[2008]) == b"2008"


@pytest.mark.parametrize("position", [0, 1, 20, 50, -20, -1])
def test_changed_message_is_refused_and_the_true_one_still_read(warm, position):
    kind, message = warm.to_bob(b"true")
    changed = bytearray(message)
    changed[position] ^= 0x40
    with pytest.raises(BadMessage):
        warm.bob.decrypt("alice", kind, bytes(changed))
    assert warm.bob_reads((kind, message)) == b"true"


@pytest.mark.parametrize("kind", ["pkmsg", "msg"])
@pytest.mark.parametrize("rubbish", [b"", b"\x33", b"\x33" * 9, b"\x33" * 80, b"\x43" * 80])
def test_rubbish_is_a_bad_message(warm, kind, rubbish):
    with pytest.raises(BadMessage):
        warm.bob.decrypt("alice", kind, rubbish)


def test_truncated_messages_are_bad_messages(pair):
    kind, message = pair.to_bob(b"hello")
    for length in range(len(message)):
        with pytest.raises(SignalError):
            pair.bob.decrypt("alice", kind, message[:length])


def test_message_without_a_session_says_so(warm):
    with pytest.raises(NoSession):
        warm.bob.decrypt("carol", *warm.to_bob(b"hello"))
    with pytest.raises(NoSession):
        warm.bob.encrypt("carol", b"hello")


def test_used_one_time_prekey_cannot_open_a_second_session(pair):
    bundle = pair.bob.bundle()
    carol, dave = SignalDevice(), SignalDevice()
    carol.start("bob", bundle)
    dave.start("bob", bundle)
    pair.bob.decrypt("carol", *carol.encrypt("bob", b"first"))
    with pytest.raises(BadMessage, match="one-time"):
        pair.bob.decrypt("dave", *dave.encrypt("bob", b"second"))


def test_each_bundle_has_its_own_one_time_prekey():
    device = SignalDevice()
    assert device.bundle().prekey_id != device.bundle().prekey_id
    assert device.bundle(one_time=False).prekey is None


def test_bundle_with_a_wrong_signature_is_refused():
    bundle = SignalDevice().bundle()
    forged = dataclasses.replace(bundle, signed_prekey=SignalDevice().bundle().signed_prekey)
    with pytest.raises(BadMessage, match="signature"):
        SignalDevice().start("bob", forged)


def test_both_sides_opening_at_once_end_up_understanding_each_other(pair):
    pair.bob.start("alice", pair.alice.bundle())
    from_alice, from_bob = pair.to_bob(b"from alice"), pair.to_alice(b"from bob")
    assert pair.bob_reads(from_alice) == b"from alice"
    assert pair.alice_reads(from_bob) == b"from bob"
    for n in range(5):
        crossing = pair.to_bob(str(n).encode()), pair.to_alice(str(n).encode())
        assert pair.bob_reads(crossing[0]) == str(n).encode()
        assert pair.alice_reads(crossing[1]) == str(n).encode()


def test_message_of_an_archived_session_is_read(warm):
    late = warm.to_bob(b"late")
    warm.alice.start("bob", warm.bob.bundle())
    warm.bob_reads(warm.to_bob(b"new session"))
    assert warm.bob_reads(late) == b"late"


def test_forgotten_sessions_are_gone(warm):
    warm.alice.forget("bob")
    assert not warm.alice.has_session("bob")
    with pytest.raises(NoSession):
        warm.to_bob(b"hello")


def test_loaded_device_goes_on_where_the_dumped_one_stopped(warm):
    waiting = [warm.to_bob(b"skipped"), warm.to_bob(b"read first")]
    warm.bob_reads(waiting[1])
    warm.bob = SignalDevice.load(json.loads(json.dumps(warm.bob.dump())))
    warm.alice = SignalDevice.load(json.loads(json.dumps(warm.alice.dump())))
    assert warm.bob_reads(waiting[0]) == b"skipped"
    assert warm.alice_reads(warm.to_alice(b"answer")) == b"answer"
    assert warm.bob_reads(warm.to_bob(b"more")) == b"more"


def test_loaded_device_still_opens_sessions_with_its_old_prekeys(pair):
    message = pair.to_bob(b"hello")
    pair.alice = SignalDevice.load(json.loads(json.dumps(pair.alice.dump())))
    pair.bob = SignalDevice.load(json.loads(json.dumps(pair.bob.dump())))
    assert pair.bob_reads(message) == b"hello"
    assert pair.bob_reads(pair.to_bob(b"again")) == b"again"


def test_only_five_receiver_chains_are_kept(warm):
    late, _ = warm.to_bob(b"late"), warm.bob_reads(warm.to_bob(b"on time"))
    for _ in range(ratchet.MAX_RECEIVER_CHAINS):
        warm.alice_reads(warm.to_alice(b"turn"))
        warm.bob_reads(warm.to_bob(b"turn"))
    with pytest.raises(SignalError):
        warm.bob_reads(late)
