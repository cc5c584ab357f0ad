"""Signatures, checked by hand and by somebody else's library."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.core.signing import headers_for, hex_signature, new_secret

BODY = '{"event":"message_received","data":{"body":"Привет"}}'.encode()


def test_a_new_secret_is_32_random_bytes_in_the_standard_form():
    secret = new_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert new_secret() != secret


def test_the_hex_signature_is_hmac_sha256_of_the_body():
    expected = hmac.new(b"a secret", BODY, hashlib.sha256).hexdigest()
    assert hex_signature("a secret", BODY) == expected


def test_the_standard_signature_verifies():
    secret = new_secret()
    headers = headers_for(secret, BODY, delivery_id="dlv_1", now=datetime.now(UTC))
    assert Webhook(secret).verify(BODY, headers) == json.loads(BODY)


def test_the_standard_signature_does_not_depend_on_the_time_zone():
    now = datetime.now(UTC)
    elsewhere = now.astimezone(timezone(timedelta(hours=3)))
    assert headers_for("s", BODY, delivery_id="d", now=now) == headers_for(
        "s", BODY, delivery_id="d", now=elsewhere
    )


def test_the_standard_signature_fails_for_another_body():
    secret = new_secret()
    headers = headers_for(secret, BODY, delivery_id="dlv_1", now=datetime.now(UTC))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", headers)


def test_the_id_is_the_deliverys():
    headers = headers_for("s", BODY, delivery_id="dlv_1", now=datetime.now(UTC))
    assert headers["webhook-id"] == "dlv_1"


def test_the_former_secret_signs_too_in_places_of_its_own():
    old, new, now = new_secret(), new_secret(), datetime.now(UTC)
    headers = headers_for(new, BODY, delivery_id="dlv_1", now=now, former=old)
    assert headers["X-Webhook-Signature"] == hex_signature(new, BODY)
    assert headers["X-Webhook-Former-Signature"] == hex_signature(old, BODY)
    for secret in (old, new):
        assert Webhook(secret).verify(BODY, headers) == json.loads(BODY)


def test_without_a_former_secret_there_is_one_signature_of_each_kind():
    headers = headers_for("s", BODY, delivery_id="d", now=datetime.now(UTC))
    assert "X-Webhook-Former-Signature" not in headers
    assert len(headers["webhook-signature"].split()) == 1
