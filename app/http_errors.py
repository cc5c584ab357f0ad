"""Every error that reaches the edge becomes an answer in the form its reader expects."""

from __future__ import annotations

import structlog
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from app.core.errors import AppError
from app.ui import errors as pages

log = structlog.get_logger(__name__)


def register(app: Flask) -> None:
    """Answers errors of every kind."""
    app.register_error_handler(AppError, pages.answer)
    app.register_error_handler(HTTPException, pages.answer)
    app.register_error_handler(Exception, _unexpected)


def _unexpected(error: Exception) -> Response:
    log.exception("request.failed", exc_info=error)
    return pages.answer(error)
