"""What templates can say: times, numbers, states, icons."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from babel.dates import format_timedelta
from flask import Flask, current_app, request, url_for
from flask_babel import (
    format_date,
    format_datetime,
    format_time,
    get_locale,
    gettext,
    to_user_timezone,
)
from flask_login import current_user

from app.clock import utcnow
from app.core.phones import show_phone
from app.i18n import LANGUAGES
from app.models import Chat
from app.ui import words
from app.ui.answers import wants_fragment

HTMX_CONFIG = {
    "allowEval": False,
    "allowScriptTags": False,
    "historyCacheSize": 0,  # pages hold what only their owner may see
    "includeIndicatorStyles": False,
    "refreshOnHistoryMiss": True,
    "selfRequestsOnly": True,
    "timeout": 15_000,
    "responseHandling": [
        {"code": "204", "swap": False},
        {"code": "[23]..", "swap": True},
        # Answers of ours: forms with what is wrong, alerts that bring their own target.
        {"code": "4(0[0-9]|13|19|22|29)", "swap": True, "error": True},
        {"code": "50[03]", "swap": True, "error": True},
        {"code": "...", "swap": False, "error": True},
    ],
}


def register(app: Flask) -> None:
    """Adds filters and globals to the templates of `app`."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        phone=show_phone,
        ago=ago,
        moment=moment,
        clock_time=clock_time,
        day=day,
        chat_name=chat_name,
    )
    app.jinja_env.globals.update(
        asset=asset,
        words=words,
        languages=LANGUAGES,
        language=lambda: str(get_locale()),
        here=here,
        sandbox=app.config["SETTINGS"].sandbox,
        htmx_config=HTMX_CONFIG,
        current_user=current_user,  # asked only where it is used: an error page must not need it
    )


def asset(name: str) -> str:
    """The address of a static file; it changes with the content, so it may be kept for long."""
    path = Path(str(current_app.static_folder)) / name
    return url_for("static", filename=name, h=_digest(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=256)
def _digest(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def here() -> str:
    """The path to come back to from a form in the shell: this page, if a GET shows it."""
    return request.full_path.rstrip("?") if request.method == "GET" and not wants_fragment() else ""


def ago(at: datetime) -> str:
    """How long ago `at` was, in words; a moment ago and the future count as now."""
    passed = utcnow() - at
    if passed < timedelta(minutes=1):
        return str(gettext("just now"))
    text: str = format_timedelta(
        -passed, add_direction=True, format="short", granularity="minute", locale=get_locale()
    )
    return text


def moment(at: datetime) -> str:
    """`at` in full, in the reader's time zone."""
    text: str = format_datetime(at, "long")
    return text


def clock_time(at: datetime) -> str:
    """Hours and minutes of `at`, in the reader's time zone."""
    text: str = format_time(at, "short")
    return text


def day(at: datetime) -> str:
    """The day of `at`, in the reader's time zone."""
    local = to_user_timezone(at)
    text: str = format_date(local, "d MMMM" if local.year == utcnow().year else "d MMMM y")
    return text


def chat_name(chat: Chat) -> str:
    """What to call the chat: its name, else the number, else WhatsApp's address."""
    return chat.name or show_phone(chat.phone) or chat.jid
