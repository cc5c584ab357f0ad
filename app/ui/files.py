"""What templates can say of files: how large they are, and how large they are drawn."""

from __future__ import annotations

from flask import Flask
from flask_babel import format_decimal, gettext

from app.core.media import is_inline
from app.core.texts import N_
from app.models import Media

_UNITS = (N_("%(number)s B"), N_("%(number)s KB"), N_("%(number)s MB"), N_("%(number)s GB"))
_STEP = 1024
WAVE_STEP = 3
_WIDEST, _HIGHEST = 320, 360  # pixels, as in static/css/media.css


def register(app: Flask) -> None:
    """Adds filters and tests to the templates of `app`."""
    app.jinja_env.filters.update(bytes=size_words, drawn_width=drawn_width)
    app.jinja_env.filters.update(drawn_height=drawn_height)
    app.jinja_env.filters.update(length_of_time=length_words, bars=bars)
    app.jinja_env.tests["inline_mime"] = is_inline


def size_words(size: int | None) -> str:
    """A number of bytes as people read it; empty where it is not known."""
    if size is None:
        return ""
    number, unit = float(size), 0
    while number >= _STEP and unit < len(_UNITS) - 1:
        number, unit = number / _STEP, unit + 1
    shown = format_decimal(round(number, 1 if number < 100 else 0))
    return str(gettext(_UNITS[unit], number=shown))


def length_words(seconds: int) -> str:
    """How long something plays, as players write it: "0:07", "1:02:03"."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def bars(waveform: bytes) -> str:
    """How loud a voice message is, as a path of upright lines around the middle of a strip that is
    20 high and WAVE_STEP for each of them wide."""
    heights = [2 + round(min(level, 100) * 0.16) for level in waveform]
    return "".join(
        f"M{number * WAVE_STEP + 1} {10 - height // 2}v{height}"
        for number, height in enumerate(heights)
    )


def drawn_width(media: Media) -> int | None:
    """Pixels to reserve, so that nothing moves when the picture comes; None where unknown."""
    drawn = _drawn(media)
    return drawn[0] if drawn else None


def drawn_height(media: Media) -> int | None:
    """The same upwards."""
    drawn = _drawn(media)
    return drawn[1] if drawn else None


def _drawn(media: Media) -> tuple[int, int] | None:
    if not media.width or not media.height:
        return None
    shrunk = min(_WIDEST / media.width, _HIGHEST / media.height, 1.0)
    return max(round(media.width * shrunk), 1), max(round(media.height * shrunk), 1)
