"""Heads of HTTP/1.1 requests, as much as a proxy and a websocket host need."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

_HEAD_LIMIT = 32 * 1024


class HttpError(Exception):
    """The peer does not speak HTTP."""


@dataclass(frozen=True, slots=True)
class Request:
    """The first line and the headers (names in lower case) of a request."""

    method: str
    target: str
    headers: dict[str, str]


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Return the next request's head, None at a clean end; raises HttpError."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise HttpError("the request ends in its head") from None
        return None
    except asyncio.LimitOverrunError:
        raise HttpError("the request's head is too long") from None
    if len(head) > _HEAD_LIMIT:
        raise HttpError("the request's head is too long")
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3:
        raise HttpError(f"not a request: {first[:80]!r}")
    headers = {name.strip().lower(): value.strip() for name, _, value in _split(lines)}
    return Request(parts[0], parts[1], headers)


def _split(lines: list[str]) -> list[tuple[str, str, str]]:
    return [line.partition(":") for line in lines]


def response(status: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """Return a whole response; `status` is the code and its phrase."""
    fields = {"Content-Length": str(len(body)), **(headers or {})}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body
