"""The handshake and its certificates, checked by a client written for this test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.sandbox.protos import CertChain, HandshakeMessage, NoiseCertificateDetails
from app.sandbox.signal import curve
from app.sandbox.wire import noise_certificate
from app.sandbox.wire.noise import NoiseError, ServerHandshake
from tests.sandbox.noise_client import Client

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_a_client_and_the_server_agree() -> None:
    keys, client = curve.KeyPair.generate(), Client()
    server = ServerHandshake(keys, b"the certificate")
    static, certificate, last = client.finish(server.answer(client.hello()), b"who I am")
    assert (static, certificate) == (keys.public, b"the certificate")
    assert server.finish(last) == b"who I am"
    assert server.client_static == client.static.public

    receive, send = server.channel()
    okm = HKDF(hashes.SHA256(), 64, client.chain, b"").derive(b"")
    to_server, to_client = AESGCM(okm[:32]), AESGCM(okm[32:])
    for n in range(3):
        nonce = bytes(8) + n.to_bytes(4, "big")
        assert receive.open(to_server.encrypt(nonce, b"up %d" % n, b"")) == b"up %d" % n
        assert to_client.decrypt(nonce, send.seal(b"down %d" % n), b"") == b"down %d" % n


def test_a_changed_message_is_refused() -> None:
    client = Client()
    server = ServerHandshake(curve.KeyPair.generate(), b"certificate")
    _, _, last = client.finish(server.answer(client.hello()), b"payload")
    with pytest.raises(NoiseError):
        server.finish(last[:-1] + bytes((last[-1] ^ 1,)))


@pytest.mark.parametrize("hello", [b"", b"\xff\xff", b"\x12\x04\x0a\x02ab"])
def test_what_is_no_hello_is_refused(hello: bytes) -> None:
    with pytest.raises(NoiseError):
        ServerHandshake(curve.KeyPair.generate(), b"").answer(hello)


def test_a_key_of_low_order_is_refused() -> None:
    message = HandshakeMessage()
    message.clientHello.ephemeral = bytes(32)
    with pytest.raises(NoiseError):
        ServerHandshake(curve.KeyPair.generate(), b"").answer(message.SerializeToString())


def test_the_certificate_chain_leads_from_the_root_to_the_servers_key() -> None:
    root, static = curve.KeyPair.generate(), curve.KeyPair.generate()
    chain = CertChain.FromString(noise_certificate.chain(root, static.public, NOW))
    intermediate = NoiseCertificateDetails.FromString(chain.intermediate.details)
    leaf = NoiseCertificateDetails.FromString(chain.leaf.details)

    assert curve.verify(root.public, chain.intermediate.details, chain.intermediate.signature)
    assert curve.verify(intermediate.key, chain.leaf.details, chain.leaf.signature)
    assert leaf.key == static.public
    assert (intermediate.issuerSerial, leaf.issuerSerial) == (0, intermediate.serial)
    for details in (intermediate, leaf):
        assert details.notBefore < NOW.timestamp() < details.notAfter
        assert details.notAfter > (NOW + timedelta(days=300)).timestamp()
