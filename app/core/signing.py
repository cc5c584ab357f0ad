"""Signatures that let a receiver check where a webhook comes from, and when it was sent.

Two schemes side by side: the specification's `X-Webhook-Signature` and Standard Webhooks
(https://www.standardwebhooks.com), whose secret is `whsec_` and base64.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime

SECRET_PREFIX = "whsec_"  # noqa: S105 - a marker, not a secret


def new_secret() -> str:
    """A fresh secret of 32 random bytes in the Standard Webhooks form."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def hex_signature(secret: str, body: bytes) -> str:
    """Hex HMAC-SHA256 of exactly `body`, keyed with the secret's own characters."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def headers_for(
    secret: str, body: bytes, *, delivery_id: str, now: datetime, former: str | None = None
) -> dict[str, str]:
    """Both schemes' headers for one attempt at `now`; `delivery_id` is the same over retries.

    `former` is the secret before this one, while it still counts: it signs, too, in a header of its
    own and as a further entry of the standard one.
    """
    seconds = str(int(now.timestamp()))
    about = {"delivery_id": delivery_id, "seconds": seconds}
    headers = {
        "X-Webhook-Signature": hex_signature(secret, body),
        "webhook-id": delivery_id,
        "webhook-timestamp": seconds,
        "webhook-signature": standard_signature(secret, body, **about),
    }
    if former is not None:
        headers["X-Webhook-Former-Signature"] = hex_signature(former, body)
        headers["webhook-signature"] += f" {standard_signature(former, body, **about)}"
    return headers


def standard_signature(secret: str, body: bytes, *, delivery_id: str, seconds: str) -> str:
    """What Standard Webhooks signs `body` with, at `seconds` since 1970."""
    signed = b".".join([delivery_id.encode(), seconds.encode(), body])
    mac = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(mac).decode()}"


def _key(secret: str) -> bytes:
    """The MAC key: what the prefix promises is base64; a secret typed by hand is taken as is."""
    if not secret.startswith(SECRET_PREFIX):
        return secret.encode()
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX))
