"""`flask webhooks listen`: a receiver to develop against. It prints every event that comes and says
whether its signatures are right."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from app.core.signing import hex_signature, standard_signature

LARGEST = 5 * 1024 * 1024
LATE_SECONDS = 300
"""How old a request may be, by Standard Webhooks: an older one was kept and sent by somebody."""


def faults_in(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> list[str]:
    """What is wrong with the signatures of a request at `now` (seconds since 1970). The names of
    `headers` are in small letters."""
    faults = []
    expected = hex_signature(secret, body).encode()
    names = ("x-webhook-signature", "x-webhook-former-signature")
    if not any(hmac.compare_digest(headers.get(one, "").encode(), expected) for one in names):
        faults.append("X-Webhook-Signature is wrong")
    moment, delivery_id = headers.get("webhook-timestamp", ""), headers.get("webhook-id", "")
    right = standard_signature(secret, body, delivery_id=delivery_id, seconds=moment)
    signatures = headers.get("webhook-signature", "").split()
    if not any(hmac.compare_digest(one.encode(), right.encode()) for one in signatures):
        faults.append("webhook-signature is wrong")
    if not moment.isascii() or not moment.isdigit() or abs(now - int(moment)) > LATE_SECONDS:
        faults.append("webhook-timestamp is not of now")
    return faults


def listener(
    host: str, port: int, secret: str, status: int, say: Callable[[str], None]
) -> ThreadingHTTPServer:
    """A server that answers every event with `status` and tells of it with `say`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > LARGEST:
                self.send_error(413)
                return
            body = self.rfile.read(length)
            say(_told(secret, {name.lower(): text for name, text in self.headers.items()}, body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing: what comes is told in a better way."""

    return ThreadingHTTPServer((host, port), Handler)


def _told(secret: str, headers: Mapping[str, str], body: bytes) -> str:
    faults = faults_in(secret, headers, body, time.time()) if secret else ["not checked: no secret"]
    try:
        shown = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        shown = body.decode(errors="replace")
    verdict = "; ".join(faults) or "signatures are right"
    return f"--- {headers.get('webhook-id', 'without an id')}: {verdict}\n{shown}"
