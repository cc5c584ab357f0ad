"""An id for every request: in the log's lines, in the answer's header, in problem documents."""

from __future__ import annotations

import structlog
from flask import Flask, Response, g

from app.clock import utcnow
from app.core.ids import new_id

HEADER = "X-Request-Id"


def register(app: Flask) -> None:
    """Numbers the requests of `app`."""
    app.before_request(_number)
    app.after_request(_tell)


def _number() -> None:
    g.request_id = new_id("req", utcnow())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=g.request_id)


def _tell(response: Response) -> Response:
    if "request_id" in g:
        response.headers[HEADER] = g.request_id
    return response
