"""The bell on every page, and the list of notices behind it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, flash, g, request, url_for
from flask_babel import gettext
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app import topics
from app.core.notices import WORDS, NoticeKind
from app.core.reasons import REASONS
from app.models import Notice
from app.security.browser_sessions import current_person
from app.services import notices
from app.transaction import transaction
from app.ui.answers import page, respond, see_other
from app.ui.blueprint import bp
from app.ui.files import size_words
from app.ui.polling import CALM, person_id, polled
from app.ui.words import fill

_TONES = {NoticeKind.WEBHOOK_PAUSED: "attention", NoticeKind.WEBHOOK_GONE: "attention"}


@dataclass(frozen=True, slots=True)
class Bell:
    """How many notices are new, and the version that a poll is to bring; a page has none, so that
    its first poll is answered in full: the count came with the sign-in, before any version."""

    unread: int
    version: str | None
    every: int = CALM


@dataclass(frozen=True, slots=True)
class Told:
    """A notice in words, with the place where something can be done."""

    sentence: str
    reason: str
    hint: str
    tone: str
    link: str | None
    link_text: str


def register(app: Flask) -> None:
    """Lets every page of somebody who is signed in show the bell."""
    app.jinja_env.globals.update(bell=_bell, told=told)


def _bell() -> Bell:
    is_poll = request.endpoint == "ui.show_bell"
    return Bell(current_user.unread_notices, g.version if is_poll else None)


def told(notice: Notice) -> Told:
    """`notice` in words. Where an instance has a reason, what helps is that of the reason."""
    kind = NoticeKind(notice.kind)
    words, reason = WORDS[kind], REASONS.get(str(notice.detail.get("reason") or ""))
    about: dict[str, str] = {"instance": notice.instance.name} if notice.instance else {}
    if "free" in notice.detail:
        about["free"] = size_words(notice.detail["free"])
    link, link_text = _link(notice)
    is_more = reason is not None and kind is not NoticeKind.ENGINE_OUTDATED
    return Told(
        sentence=fill(words.sentence, notice.detail | about),
        reason=fill(reason.sentence, notice.detail) if reason and is_more else "",
        hint=fill(reason.hint if reason and is_more else words.hint, notice.detail),
        tone=_TONES.get(kind, "lost"),
        link=link,
        link_text=link_text,
    )


def _link(notice: Notice) -> tuple[str | None, str]:
    if notice.endpoint_id is not None:
        to = url_for("ui.show_webhook_log", webhook_id=notice.endpoint_id)
        return to, gettext("Open the log of the webhook")
    if notice.instance_id is not None:
        to = url_for("ui.show_instance", instance_id=notice.instance_id)
        return to, gettext("Open the instance")
    return url_for("ui.show_system"), gettext("Open the system page")


def _topics() -> list[str]:
    return [topics.notices_of(person_id())]


@bp.get("/ui/notices/bell")
@polled(_topics)
@login_required
def show_bell() -> Response:
    """The bell alone, for its poll."""
    return respond("notices/_bell.html", page=url_for("ui.list_notices"))


@bp.get("/ui/notices")
@login_required
def list_notices() -> Response:
    """What needs the person, newest first."""
    shown = notices.all_of(current_person())
    return page("notices/list.html", notices=shown)


@bp.post("/ui/notices/read")
@login_required
def read_notices() -> Response:
    """Counts all of them as seen."""
    with transaction():
        notices.read(current_person())
    return see_other(url_for("ui.list_notices"))


@bp.post("/ui/notices/<notice_id>/dismiss")
@login_required
def dismiss_notice(notice_id: str) -> Response:
    """Takes one off the list; it comes back only if its trouble ends and begins anew."""
    with transaction():
        notices.dismiss(current_person(), notice_id)
    flash(gettext("The notice is dismissed."))
    return see_other(url_for("ui.list_notices"))
