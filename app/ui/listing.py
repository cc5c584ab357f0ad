"""The list of instances: what is asked of it stands in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, g, request, url_for
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app import topics
from app.core.states import InstanceState
from app.i18n import COOKIE_SECONDS
from app.services.overview import Overview, Sort, Wish, overview_of
from app.ui.answers import page, respond
from app.ui.blueprint import bp
from app.ui.polling import BRISK, person_id, polled

CARDS, TABLE = "cards", "table"
VIEW_COOKIE = "instances_view"
MOST_CARDS = 12
"""Above so many instances a table is easier to look through."""
TEXT_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """What this request wants to see, and how."""

    wish: Wish
    view: str | None  # None: whatever suits the number of instances

    def address(self, **changes: object) -> str:
        """The address of the list with `changes` to what is wanted now; another choice begins at
        its first page."""
        return url_for("ui.list_instances", **self.arguments(**changes))

    def fragment(self, **changes: object) -> str:
        """The same for the list alone."""
        return url_for("ui.instances_list", **self.arguments(**changes))

    def poll(self) -> str:
        """The address that the list asks for news."""
        return url_for("ui.instances_list", v=g.version, **self.arguments(page=self.wish.page))

    def arguments(self, **changes: object) -> dict[str, Any]:
        """What of it differs from the list as it is without any wish."""
        wanted = {
            "q": self.wish.text,
            "state": self.wish.state,
            "sort": self.wish.sort if self.wish.sort is not Sort.NAME else None,
            "page": None,
        } | changes
        if wanted["page"] == 1:
            wanted["page"] = None
        return {name: value for name, value in wanted.items() if value}

    def is_table(self, overview: Overview) -> bool:
        """Whether the list is shown as a table."""
        return self.view == TABLE if self.view else overview.total > MOST_CARDS


def _topics() -> list[str]:
    return [topics.instances_of(person_id())]


@bp.get("/ui/instances")
@polled(_topics)
@login_required
def list_instances() -> Response:
    """All instances of the person, each with its live state."""
    response = page("instances/list.html", **_context())
    if request.args.get("view") in {CARDS, TABLE}:
        _remember_view(response, request.args["view"])
    return response


@bp.get("/ui/instances/list")
@polled(_topics)
@login_required
def instances_list() -> Response:
    """The list alone, for its poll and its filter, which becomes the page's address."""
    listing = _listing()
    at = listing.address(page=listing.wish.page)
    response = respond("instances/_list.html", page=at, **_context())
    if "v" not in request.args:
        response.headers["HX-Replace-Url"] = at
    return response


def _context() -> dict[str, Any]:
    listing = _listing()
    overview = overview_of(current_user, listing.wish)
    return {
        "listing": listing,
        "overview": overview,
        "as_table": listing.is_table(overview),
        "sorts": Sort,
        "poll_every": BRISK,
    }


def _listing() -> Listing:
    wish = Wish(
        text=request.args.get("q", "").strip()[:TEXT_LENGTH],
        state=_one_of(InstanceState, "state"),
        sort=_one_of(Sort, "sort") or Sort.NAME,
        page=request.args.get("page", 1, type=int),
    )
    view = request.args.get("view") or request.cookies.get(VIEW_COOKIE)
    return Listing(wish, view if view in {CARDS, TABLE} else None)


def _one_of(kind: Any, name: str) -> Any:
    """The member of `kind` that the address names, if it names one."""
    value = request.args.get(name)
    return kind(value) if value in set(kind) else None


def _remember_view(response: Response, view: str) -> None:
    response.set_cookie(
        VIEW_COOKIE,
        view,
        max_age=COOKIE_SECONDS,
        samesite="Lax",
        httponly=True,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )
