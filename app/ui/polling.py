"""Polls that cost next to nothing while nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Response, g, request, session

from app import bell
from app.extensions import db

View = TypeVar("View", bound=Callable[..., Any])

FAST, BRISK, CALM = 2, 5, 15
"""Seconds between polls: while something is about to happen, while it may, while it rarely does."""


def version_of(*topics: str) -> str:
    """The change counters of `topics` as one string; empty when Redis is away.

    Read it before anything else: a change that is committed after it shows up in the next poll,
    while one committed before it but read from an older snapshot of the database never would.
    """
    counters = [bell.version(topic) for topic in topics]
    return ".".join(counter for counter in counters if counter) if all(counters) else ""


def fresh_version_of(*topics: str) -> str:
    """The version, and a new look at the database after it, for a view that has read already."""
    version = version_of(*topics)
    db.session.rollback()
    return version


def polled(topics_of: Callable[..., list[str]]) -> Callable[[View], View]:
    """Answers a poll with 204 when none of the view's topics changed since the version it brings.

    Stands outside login_required: what is unchanged needs neither the database nor the person,
    only a session; whoever knows the version was shown what it stands for. Otherwise the version
    is left in `g.version` for the fragment to carry.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(**arguments: Any) -> Any:
            g.version = version_of(*topics_of(**arguments))
            if is_unchanged(g.version):
                return unchanged()
            return view(**arguments)

        return answer  # type: ignore[return-value]

    return decorate


def is_unchanged(version: str) -> bool:
    """Whether this request is a poll of somebody signed in who was shown `version` already."""
    return bool(version) and request.args.get("v") == version and "_user_id" in session


def unchanged() -> Response:
    """Nothing new: htmx leaves the page as it is and asks again."""
    return Response(status=204)


def person_id() -> str:
    """The id of who is signed in, from the cookie alone; empty when nobody is."""
    return str(session.get("_user_id", "")).partition(".")[0]
