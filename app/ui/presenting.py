"""What templates can say: times, numbers, states, names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zlib import crc32

from babel.dates import format_timedelta
from flask import Flask, request
from flask_babel import (
    format_date,
    format_datetime,
    format_time,
    get_locale,
    get_timezone,
    gettext,
    to_user_timezone,
)
from flask_login import current_user
from markupsafe import Markup, escape

from app.clock import utcnow
from app.core.devices import device_of, is_handheld
from app.core.phones import show_phone
from app.i18n import LANGUAGES
from app.models import Chat, PollVote, Reaction
from app.services.amending import may_vote
from app.services.chat_list import Place
from app.services.mentions import shown_text
from app.services.people_names import Names
from app.services.polls import results_of
from app.ui import delivery_words, kinds, statistics, words
from app.ui.answers import wants_fragment
from app.ui.formatting import formatted
from app.ui.group_words import note_sentence, role_words
from app.ui.manners_words import phone_trouble
from app.ui.polling import BRISK

HTMX_CONFIG = {
    "allowEval": False,
    "allowScriptTags": False,
    "defaultSettleDelay": 0,  # a form that is shown is htmx's at once, not a native one first
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
        phone=whole_phone,
        breakable=breakable,
        ago=ago,
        moment=moment,
        exact=exact,
        clock_time=clock_time,
        day=day,
        formatted=formatted,
        reactor=reactor,
        note=note_sentence,
        shown_text=shown_text,
        role=role_words,
        told_moment=told_moment,
        chat_name=chat_name,
        chat_place=chat_place,
        phone_trouble=phone_trouble,
        device=device_of,
        is_handheld=is_handheld,
        attributes=attributes,
        filled=filled,
        initials=initials,
        hue=hue,
        grouped=statistics.grouped,
        percent=statistics.percent,
        length_of=statistics.length,
        step_name=lambda span, times: statistics.long_of(times, span),
    )
    app.jinja_env.globals.update(
        words=words,
        deliveries=delivery_words,
        kinds=kinds,
        languages=LANGUAGES,
        language=lambda: str(get_locale()),
        here=here,
        now=utcnow,
        time_zone=lambda: str(get_timezone()),
        badge_every=BRISK,
        sandbox=app.config["SETTINGS"].sandbox,
        htmx_config=HTMX_CONFIG,
        results_of=results_of,
        may_vote=may_vote,
        current_user=current_user,  # asked only where it is used: an error page must not need it
    )


def here() -> str:
    """The path to come back to from a form in the shell: this page, if a GET shows it."""
    return request.full_path.rstrip("?") if request.method == "GET" and not wants_fragment() else ""


def ago(at: datetime) -> str:
    """How long ago `at` was, in words; a moment ago and the future count as now."""
    passed = utcnow() - at
    if passed < timedelta(minutes=1):
        return str(gettext("just now"))
    text: str = format_timedelta(
        -passed,
        granularity="minute",
        threshold=1,  # 51 minutes are 51 minutes, as static/js/time.js has it
        add_direction=True,
        format="short",
        locale=get_locale(),
    )
    return text


def moment(at: datetime) -> str:
    """`at` in full, in the reader's time zone."""
    return f"{format_date(to_user_timezone(at), 'long')}, {clock_time(at)}"


def exact(at: datetime) -> str:
    """The day and the second of `at`, in the reader's time zone."""
    text: str = format_datetime(at, "medium")
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


def whole_phone(phone: str | None) -> str:
    """The number in its notation for people, which no line end tears apart."""
    return show_phone(phone).replace(" ", "\u00a0")


def breakable(address: str) -> Markup:
    """An email address that is too long for a line goes on behind its @."""
    return escape(address).replace("@", Markup("@<wbr>"))


def reactor(reaction: Reaction | PollVote, names: Names | None = None) -> str:
    """Who put it there, or voted, in a group by the names that contacts have."""
    if reaction.from_me:
        return gettext("You")
    name = names.of(reaction.phone, reaction.lid, reaction.name) if names else reaction.name
    if name == show_phone(reaction.phone):
        name = whole_phone(reaction.phone)
    return name or gettext("Somebody")


def told_moment(text: str) -> str:
    """A moment that was stored as ISO 8601 text, exactly."""
    return exact(datetime.fromisoformat(text))


def attributes(values: Mapping[str, object]) -> Markup:
    """`values` as attributes of an element: hx_get gives hx-get, True a bare one, None and False
    none."""
    markup = Markup("")
    for name, value in values.items():
        if value is True or value == "":
            markup += Markup(" {}").format(name.replace("_", "-"))
        elif value is not None and value is not False:
            markup += Markup(' {}="{}"').format(name.replace("_", "-"), value)
    return markup


def filled(pattern: str, **values: object) -> Markup:
    """`pattern` with each of the words that are names here replaced by its value, one after the
    other. For what a long list repeats: a tenth of the work of a macro."""
    text = str(escape(pattern))
    for word, value in values.items():
        text = text.replace(word, str(escape(value)))
    return Markup(text)  # noqa: S704 - all that is in it was escaped


HUES = 6
"""So many colours of avatars stand in css/data.css."""


def hue(name: str) -> int:
    """The number of the colour that `name` always has."""
    return crc32(name.encode()) % HUES


def initials(name: str) -> str:
    """At most two letters that stand for `name`; a number keeps its last two digits."""
    parts = [part for part in name.split("@")[0].split() if part[0].isalpha()]
    if not parts:
        return "".join(filter(str.isdigit, name))[-2:] or "#"
    return "".join(part[0] for part in (parts[0], *parts[1:][-1:])).upper()


def chat_name(chat: Chat) -> str:
    """What to call the chat."""
    return chat.shown_name


def chat_place(chat: Chat) -> str:
    """Where the chat stands in the list, as a text that sorts."""
    return str(Place.of(chat))
