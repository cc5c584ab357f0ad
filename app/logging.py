"""Logs: one line per fact on standard error, as text for people or as JSON for machines.

    log.info("delivery.attempted", delivery_id=..., status=200)

The libraries' own logging comes out in the same form.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from app.config import Settings

_HIDDEN = "[hidden]"
_SECRET_WORDS = ("password", "secret", "token", "api_key", "authorization", "cookie", "private")
_WITHOUT_VALUES = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
_FIRST = ("timestamp", "level", "event")
_CHATTY = ("rq", "alembic", "urllib3", "asyncio", "werkzeug", "whatsmeow", "neonize")


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Sets up the logs of this process, written to `stream` (standard error by default)."""
    stream = stream or sys.stderr
    level = logging.getLevelNamesMapping()[settings.log_level]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(shared, json=_wants_json(settings, stream)))
    handler.addFilter(_is_worth_a_line)
    logging.basicConfig(handlers=[handler], level=level, force=True)


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """`event` without the values of keys that name a secret: the net under careful code."""
    for key in event:
        if any(word in key.lower() for word in _SECRET_WORDS):
            event[key] = _HIDDEN
    return event


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Some libraries tell the story of their life; of those only what went wrong is kept."""
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in _CHATTY


def _put_first(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """`event` in the order people look for: when, how bad, what, and then the rest."""
    return {**{key: event[key] for key in _FIRST if key in event}, **event}


def _wants_json(settings: Settings, stream: TextIO) -> bool:
    if settings.log_format == "auto":
        return not stream.isatty()
    return settings.log_format == "json"


def _formatter(shared: list[Processor], *, json: bool) -> logging.Formatter:
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if json:
        last += [
            structlog.processors.ExceptionRenderer(_WITHOUT_VALUES),
            _put_first,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        last += [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last)
