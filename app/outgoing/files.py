"""Files at addresses that people typed in: fetched from allowed addresses only, within bounds."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import requests

from app.outgoing.dialer import CannotDial, Dialer, guarded_session
from app.outgoing.watch import Watch

SECONDS = 25.0
"""For all of a file. Whoever asked for it waits meanwhile, and holds a thread of the server."""
REDIRECTS = 3
_PIECE = 64 * 1024
_HEADERS = {"User-Agent": "WhatsApp-API-Manager", "Accept-Encoding": "identity"}


class CannotFetch(Exception):
    """The file did not come; `slug` says why."""

    def __init__(self, slug: str):
        super().__init__(slug)
        self.slug = slug


class TooLarge(Exception):
    """The file has more bytes than were allowed."""


def fetch(url: str, write: Callable[[bytes], object], *, most: int, private_allowed: bool) -> str:
    """Hands the file at `url` to `write` piece by piece, and returns the name it has there. Every
    address on the way is judged where it is dialled, those of redirects, too. Raises CannotFetch,
    TooLarge, and what `write` raises."""
    dialer, watch, over = Dialer(private_allowed=private_allowed), Watch(), []

    def cut() -> None:
        over.append(True)
        dialer.cut()

    session = guarded_session(dialer)
    session.max_redirects = REDIRECTS
    watch.arm(SECONDS, cut)
    try:
        with session.get(url, headers=_HEADERS, stream=True, timeout=SECONDS) as answer:
            if answer.status_code != requests.codes.ok:
                raise CannotFetch(f"HTTP {answer.status_code}")
            _copy(answer, write, most)
            if over:  # an answer that was cut may look as if it had come to its end
                raise CannotFetch("timeout")
            return _name_in(answer.url)
    except CannotDial as error:
        raise CannotFetch(error.slug) from error
    except (requests.RequestException, ValueError) as error:
        raise CannotFetch("timeout" if over else _slug_of(error)) from error
    finally:
        watch.stop()
        session.close()
        dialer.cut()


def _copy(answer: requests.Response, write: Callable[[bytes], object], most: int) -> None:
    announced = answer.headers.get("Content-Length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > most:
        raise TooLarge
    length = 0
    for piece in answer.iter_content(_PIECE):
        length += len(piece)
        if length > most:
            raise TooLarge
        write(piece)


def _name_in(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2])


def _slug_of(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "tls_failed"
    if isinstance(error, requests.TooManyRedirects):
        return "too_many_redirects"
    if isinstance(error, requests.Timeout):
        return "timeout"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "connection_closed"
    return "request_failed"
