"""Requests, and when they are made again."""

from __future__ import annotations

import time
from typing import Any

import requests

from whatsapp_manager.errors import ApiError

TRIES = 3
LONGEST_PAUSE = 60.0  # seconds
_LATER = frozenset({429, 503})


class Transport:
    """Calls the API at `address` with `key`."""

    def __init__(self, address: str, key: str, timeout: float):
        self._base = address.rstrip("/") + "/api"
        self._timeout = timeout
        self._session = requests.Session()
        self._session.headers["X-API-Key"] = key

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def call(self, method: str, path: str, *, wait: float = 0, **options: Any) -> requests.Response:
        """The answer to a request. Raises ApiError, and what requests raises. `wait`: seconds that
        the server may take longer. It is made again where that is harmless."""
        headers = options.get("headers") or {}
        again = "files" not in options  # one that was read is at its end
        harmless = again and (method in {"GET", "HEAD"} or "Idempotency-Key" in headers)
        for tried in range(1, TRIES + 1):
            try:
                return self._once(method, path, self._timeout + wait, options)
            except requests.ConnectionError:
                if not harmless or tried == TRIES:
                    raise
                time.sleep(0.2 * tried)
            except ApiError as error:
                if error.status not in _LATER or tried == TRIES or not again:
                    raise
                time.sleep(min(error.retry_after or 1.0, LONGEST_PAUSE))
        raise AssertionError("the last try returns or raises")

    def _once(
        self, method: str, path: str, timeout: float, options: dict[str, Any]
    ) -> requests.Response:
        address = self._base + path
        answer = self._session.request(method, address, timeout=timeout, **options)
        if answer.ok:
            return answer
        after = answer.headers.get("Retry-After", "")
        retry_after = float(after) if after.isascii() and after.isdigit() else None
        raise ApiError(answer.status_code, _problem_in(answer), retry_after)


def _problem_in(answer: requests.Response) -> dict[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {"detail": answer.reason or ""}
