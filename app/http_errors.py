"""Every error that reaches the edge becomes an answer in the form its reader expects."""

from __future__ import annotations

import structlog
from apiflask.exceptions import HTTPError
from flask import Flask, request
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from app.api import problems
from app.core.errors import AppError, Invalid, Unavailable
from app.ui import errors as pages

log = structlog.get_logger(__name__)


def register(app: Flask) -> None:
    """Answers errors of every kind."""
    for expected in (AppError, HTTPException, HTTPError):
        app.register_error_handler(expected, _answer)
    app.register_error_handler(DataError, _cannot_be_stored)
    app.register_error_handler(OperationalError, _database_is_busy)
    app.register_error_handler(Exception, _unexpected)


def _answer(error: Exception) -> Response:
    """A problem document to programs, a page or a fragment to people."""
    if request.path == "/api" or request.path.startswith("/api/"):
        return problems.answer(error)
    return pages.answer(error)


def _cannot_be_stored(error: DataError) -> Response:
    """PostgreSQL takes no NUL in a text, and nothing longer than its column."""
    log.info("request.value_refused", error=type(error.orig).__name__)
    return _answer(Invalid())


def _database_is_busy(error: OperationalError) -> Response:
    log.error("request.database_failed", error=str(error.orig))
    return _answer(Unavailable())


def _unexpected(error: Exception) -> Response:
    log.exception("request.failed", exc_info=error)
    return _answer(error)
