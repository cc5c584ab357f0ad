"""The fingerprint of a list of devices, as both sides compute it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from app.sandbox.wire.jid import JID


def device_hash(devices: Iterable[JID]) -> str:
    """Return "2:" and the first six bytes of SHA-256 over the sorted "user.0:device@server"."""
    names = sorted(f"{jid.user}.0:{jid.device}@{jid.server}" for jid in devices)
    digest = hashlib.sha256("".join(names).encode()).digest()
    return "2:" + base64.b64encode(digest[:6]).decode().rstrip("=")
