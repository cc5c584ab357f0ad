"""Errors as people see them: a page, or an alert where they acted. Never a traceback."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import g, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from app.core.errors import AppError, Unauthorized
from app.core.texts import N_
from app.i18n import words_of
from app.ui.answers import see_other, wants_fragment

SESSION_EXPIRED = 419

_SENTENCES = {
    400: N_("The request cannot be understood."),
    403: N_("You may not do this."),
    404: N_("This page does not exist."),
    405: N_("This cannot be done here."),
    413: N_("This is too large to be sent."),
    SESSION_EXPIRED: N_("This page was open for too long. Reload it and try again."),
    422: N_("This value cannot be accepted."),
    429: N_("Too many attempts. Try again later."),
    500: N_("Something broke on the server. It was written to the log."),
    503: N_("The service is busy. Try again in a moment."),
}


def answer(error: Exception) -> Response:
    """The response to `error` for everything outside /api, in the person's language."""
    if isinstance(error, Unauthorized):
        return _to_sign_in()
    status, sentence = _told(error)
    wait: int | None = getattr(error, "retry_after", None)  # seconds
    response = _alert(status, sentence) if wants_fragment() else _page(status, sentence, wait)
    response.vary.add("HX-Request")
    if wait is not None:
        response.headers["Retry-After"] = str(wait)
    return response


def _told(error: Exception) -> tuple[int, str]:
    """The status and the sentence for `error`."""
    if isinstance(error, AppError):
        return error.status, words_of(error)
    if isinstance(error, CSRFError):
        return SESSION_EXPIRED, gettext(_SENTENCES[SESSION_EXPIRED])
    status = error.code or 500 if isinstance(error, HTTPException) else 500
    return status, gettext(_SENTENCES.get(status, _SENTENCES[500 if status >= 500 else 400]))


def _alert(status: int, sentence: str) -> Response:
    """An alert that htmx puts into the page's alert region, whatever it was asked to swap."""
    body = render_template("errors/_alert.html", status=status, sentence=sentence)
    response = make_response(body, status)
    response.headers["HX-Retarget"] = "#alerts"
    response.headers["HX-Reswap"] = "innerHTML"
    return response


def _page(status: int, sentence: str, wait: int | None) -> Response:
    """A page of its own. It asks the database nothing: the database may be what broke."""
    if status == 429:  # the page counts the seconds itself
        sentence = gettext(_SENTENCES[429])
    shown = {"status": status, "sentence": sentence, "retry_after": wait}
    body = render_template("errors/error.html", **shown, request_id=g.get("request_id", ""))
    return make_response(body, status)


def _to_sign_in() -> Response:
    """Sends the person to sign in, and afterwards back to the page they were on."""
    location = url_for("ui.show_sign_in", next=_page_they_were_on())
    if not wants_fragment():
        return see_other(location)
    response = make_response("", 401)
    response.headers["HX-Redirect"] = location
    return response


def _page_they_were_on() -> str | None:
    if request.method == "GET" and not wants_fragment():
        path = request.full_path.rstrip("?")
        return None if path == "/ui/instances" else path
    shown = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
    if not shown.path or shown.netloc != request.host:
        return None
    return f"{shown.path}?{shown.query}" if shown.query else shown.path
