"""Curve25519 keys and XEdDSA signatures, against published values and an independent verifier."""

import hashlib
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.sandbox.signal import edwards
from app.sandbox.signal.curve import KeyPair, dh, sign, verify

# The vector of libsignal's own Curve25519 tests: an identity that signed an ephemeral public key.
ALICE_PRIVATE = bytes.fromhex("c097248412e58bf05df487968205132794178e367637f5818f81e0e6ce73e865")
ALICE_PUBLIC = bytes.fromhex("ab7e717d4a163b7d9a1d8071dfe9dcf8cdcd1cea3339b6356be84d887e322c64")
SIGNED_KEY = bytes.fromhex("05edce9d9c415ca78cb7252e72c2c4a554d3eb29485a0e1d503118d1a82d99fb4a")
SIGNATURE = bytes.fromhex(
    "5de88ca9a89b4a115da79109c67c9c7464a3e4180274f1cb8c63c2984e286dfb"
    "ede82deb9dcd9fae0bfbb821569b3d9001bd8130cd11d486cef047bd60b86e88"
)


def test_key_pair_derives_the_published_public_key():
    assert KeyPair.from_private(ALICE_PRIVATE).public == ALICE_PUBLIC


def test_two_sides_agree_on_one_secret():
    alice, bob = KeyPair.generate(), KeyPair.generate()
    assert dh(alice.private, bob.public) == dh(bob.private, alice.public)


def test_verify_accepts_the_published_signature():
    assert verify(ALICE_PUBLIC, SIGNED_KEY, SIGNATURE)


def test_verify_refuses_every_changed_byte_of_a_signature():
    changed = [SIGNATURE[:i] + bytes([SIGNATURE[i] ^ 1]) + SIGNATURE[i + 1 :] for i in range(64)]
    assert not any(verify(ALICE_PUBLIC, SIGNED_KEY, signature) for signature in changed)


def test_verify_refuses_another_message_and_another_key():
    assert not verify(ALICE_PUBLIC, SIGNED_KEY + b"!", SIGNATURE)
    assert not verify(KeyPair.generate().public, SIGNED_KEY, SIGNATURE)


def test_verify_refuses_wrong_lengths():
    assert not verify(ALICE_PUBLIC, SIGNED_KEY, SIGNATURE[:-1])
    assert not verify(ALICE_PUBLIC[:-1], SIGNED_KEY, SIGNATURE)


def test_signatures_of_both_sign_bits_verify():
    bits = set()
    for _ in range(40):
        pair = KeyPair.generate()
        signature = sign(pair.private, b"message")
        assert verify(pair.public, b"message", signature)
        bits.add(signature[63] >> 7)
    assert bits == {0, 1}


def test_two_signatures_of_one_message_differ():
    pair = KeyPair.generate()
    assert sign(pair.private, b"message") != sign(pair.private, b"message")


def test_base_multiplication_matches_an_independent_ed25519():
    for seed in (bytes([n]) * 32 for n in range(8)):
        digest = bytearray(hashlib.sha512(seed).digest()[:32])
        digest[0] &= 248
        digest[31] = digest[31] & 63 | 64
        expected = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        assert edwards.multiply_base(int.from_bytes(digest, "little")) == expected


def test_signing_takes_a_few_milliseconds():
    pair = KeyPair.generate()
    sign(pair.private, b"warm the table")
    start = time.process_time()
    for _ in range(50):
        sign(pair.private, b"message")
    assert (time.process_time() - start) / 50 < 0.01
