"""POSTs to one receiver: bounded in time, its answer bounded in size, no redirect followed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import requests
from urllib3.exceptions import HTTPError

from app.outgoing.dialer import CONNECT_SECONDS, CannotDial, Dialer, guarded_session
from app.outgoing.watch import Watch
from app.version import VERSION

logging.getLogger("urllib3").setLevel(logging.CRITICAL)
# Its lines hold whole addresses, and people put tokens into those.

TIMEOUT_SECONDS = 15.0
"""From the first byte of the connection to the last byte of the answer."""
ANSWER_BYTES = 16 * 1024
"""More than this of an answer is not read; the connection is cut instead."""
KEPT_BYTES = 1024
LONGEST_WAIT = timedelta(days=1)
"""A Retry-After that asks for more is taken as this."""

_HEADERS = {
    "User-Agent": f"WhatsApp-API-Manager/{VERSION}",
    "Content-Type": "application/json; charset=utf-8",
    "Accept": "*/*",
    "Accept-Encoding": "identity",  # a compressed answer could unpack to anything
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one POST came to: an HTTP status, or a slug that says why there is none."""

    duration_ms: int
    status: int | None = None
    error: str | None = None
    text: str = ""  # the first KB of the body
    retry_after: timedelta | None = None
    ours: bool = False  # this machine is cut off; the receiver is not to blame

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it: 2xx and nothing else."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the receiver wants nothing more, ever."""
        return self.status == requests.codes.gone


class Sender:
    """One keep-alive line to a receiver; to be used by one thread at a time."""

    def __init__(self, *, private_allowed: bool, timeout: float = TIMEOUT_SECONDS):
        self._timeout = timeout  # of the request at hand
        self._dialer = Dialer(private_allowed=private_allowed)
        self._session = guarded_session(self._dialer)
        self._watch = Watch()

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.stop()
        self._session.close()
        self._dialer.cut()

    def post(
        self,
        url: str,
        body: bytes,
        headers: dict[str, str],
        *,
        now: datetime,
        timeout: float | None = None,
        verify_tls: bool = True,
    ) -> Answer:
        """Sends `body` as it is, within `timeout` seconds where it is given. Never raises for what
        the network or the receiver does."""
        self._timeout = timeout or self._timeout
        self._session.verify = verify_tls
        started = time.monotonic()
        dialled = self._dialer.dialled
        with self._deadline() as over:
            answer = self._post(url, body, headers, now, started, over)
            kept_alive = self._dialer.dialled == dialled
            if answer.error == "connection_closed" and kept_alive:
                # The receiver hung up an idle line as we spoke: that is no refusal.
                answer = self._post(url, body, headers, now, started, over)
        return answer

    def _post(
        self,
        url: str,
        body: bytes,
        headers: dict[str, str],
        now: datetime,
        started: float,
        over: threading.Event,
    ) -> Answer:
        try:
            response = self._session.post(
                url,
                data=body,
                headers={**headers, **_HEADERS},
                timeout=(CONNECT_SECONDS, self._timeout),
                allow_redirects=False,
                stream=True,
            )
            if over.is_set():  # what came of the headers by then may not be all
                raise requests.Timeout
            text = self._read(response)
        except CannotDial as error:
            return Answer(duration_ms=_since(started), error=error.slug, ours=error.ours)
        except requests.RequestException as error:
            self._dialer.cut()
            slug = "timeout" if over.is_set() else _slug_of(error)
            return Answer(duration_ms=_since(started), error=slug)
        return Answer(
            duration_ms=_since(started),
            status=response.status_code,
            text=text,
            retry_after=retry_after(response.headers.get("Retry-After"), now=now),
        )

    def _read(self, response: requests.Response) -> str:
        """The start of the answer. Reads on to its end where that is near, to keep the line."""
        content, complete = b"", False
        try:
            while len(content) <= ANSWER_BYTES and not complete:
                chunk = response.raw.read1(ANSWER_BYTES, decode_content=False)
                content += chunk
                complete = not chunk
        except (HTTPError, OSError):
            pass  # the status has come: what the rest would have been does not matter
        if not complete:
            response.close()
            self._dialer.cut()
        return content[:KEPT_BYTES].decode(errors="replace").replace("\0", "")

    @contextmanager
    def _deadline(self) -> Iterator[threading.Event]:
        """Cuts the line when the time is over: a receiver that trickles bytes meets no time-out
        of the socket's own. The event tells whether it came to that."""
        over = threading.Event()

        def cut() -> None:
            over.set()
            self._dialer.cut()

        self._watch.arm(self._timeout, cut)
        try:
            yield over
        finally:
            self._watch.disarm()


def retry_after(value: str | None, *, now: datetime) -> timedelta | None:
    """How long a Retry-After header asks to wait (seconds or an HTTP date, RFC 9110 10.2.3),
    a day at most; None where there is none or it makes no sense."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return timedelta(seconds=min(int(value[:9]), LONGEST_WAIT.total_seconds()))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return min(max(moment - now, timedelta(0)), LONGEST_WAIT)


def _slug_of(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "tls_failed"
    if isinstance(error, requests.Timeout):
        return "timeout"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "connection_closed"
    return "request_failed"


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
