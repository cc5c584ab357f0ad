"""How a view answers: with a page, or with the fragment that htmx asked for."""

from __future__ import annotations

from typing import Any

from flask import make_response, redirect, render_template, request
from werkzeug.wrappers import Response


def wants_fragment() -> bool:
    """Whether htmx asked, and will put what comes back into a page that stands already."""
    headers = request.headers
    return (
        "HX-Request" in headers
        and "HX-Boosted" not in headers
        and "HX-History-Restore-Request" not in headers
    )


def see_other(location: str) -> Response:
    """Sends the browser on with a GET."""
    return redirect(location, code=303)


def respond(template: str, *, page: str, **context: Any) -> Response:
    """The fragment for htmx; anybody else is sent on to `page`, which includes it."""
    if not wants_fragment():
        return _varied(see_other(page))
    return _varied(make_response(render_template(template, **context)))


def question(fragment: str, whole: str, /, *, status: int = 200, **context: Any) -> Response:
    """Something to be confirmed: `fragment` for the dialog that htmx fills, else the page around
    it. `in_dialog` tells the template which."""
    in_dialog = wants_fragment()
    body = render_template(fragment if in_dialog else whole, in_dialog=in_dialog, **context)
    return _varied(make_response(body, status))


def fragment(template: str, /, *, status: int = 200, **context: Any) -> Response:
    """A part of a page that htmx asked for."""
    return _varied(make_response(render_template(template, **context), status))


def page(template: str, /, *, status: int = 200, **context: Any) -> Response:
    """A whole page."""
    return make_response(render_template(template, **context), status)


def _varied(response: Response) -> Response:
    response.vary.add("HX-Request")
    return response
