"""The journal of an instance and of a person: a page each, and the newest lines on the overview."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import g, request, url_for
from flask_babel import gettext
from flask_login import login_required
from werkzeug.wrappers import Response

from app import topics
from app.core.journal import OF_ACCOUNTS, Group
from app.models import Activity, Instance
from app.security.browser_sessions import current_person
from app.services import activity
from app.services.activity import Whose
from app.ui import words
from app.ui.answers import page, respond
from app.ui.blueprint import bp
from app.ui.instances import owned
from app.ui.polling import BRISK, CALM, person_id, polled

RECENT = 8
LIVE_LINES = 300
"""A page that was open for long shows no more than that; the older ones have pages of their own."""
TEXT_LENGTH = 100


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows of the journal; it stands in the address."""

    whose: Whose
    lines: list[Activity]
    group: Group | None
    text: str
    behind: str | None  # the line that this page begins behind; None on the first, which is live
    next: str | None

    @property
    def instance(self) -> Instance | None:
        """Whose journal it is; None: that of the person, which names instances in its lines."""
        return self.whose if isinstance(self.whose, Instance) else None

    def address(self, **changes: object) -> str:
        """The address of the journal with `changes` to what it shows."""
        endpoint = "ui.show_journal" if self.instance else "ui.show_whole_journal"
        return url_for(endpoint, **self._arguments(**changes))

    def choices(self) -> list[tuple[str, str, bool]]:
        """The groups in words, each with its address and whether it is shown."""
        every = (gettext("All"), self.address(group=None), self.group is None)
        return [every] + [
            (gettext(word), self.address(group=group), self.group is group)
            for group, word in words.GROUPS.items()
            if self.instance is None or group not in OF_ACCOUNTS
        ]

    def poll(self) -> str:
        """The address that the lines ask for news: all from the oldest one on that is shown."""
        first = self.lines[-1].id if self.lines else None
        arguments = self._arguments(first=first, next=self.next, v=g.version)
        endpoint = "ui.journal_lines" if self.instance else "ui.whole_journal_lines"
        return url_for(endpoint, **arguments)

    def _arguments(self, **changes: object) -> dict[str, Any]:
        instance_id = self.instance.id if self.instance else None
        wanted = {"instance_id": instance_id, "group": self.group, "q": self.text} | changes
        return {name: value for name, value in wanted.items() if value}


def _topics(instance_id: str) -> list[str]:
    return [topics.journal(instance_id)]


def _own_topics() -> list[str]:
    return [topics.journal(person_id())]


@bp.get("/ui/instances/<instance_id>/journal/recent")
@polled(_topics)
@login_required
def recent_journal(instance_id: str) -> Response:
    """The newest lines alone, for their poll on the overview."""
    instance = owned(instance_id)
    return respond(
        "instances/_recent.html",
        page=url_for("ui.show_instance", instance_id=instance_id),
        instance=instance,
        recent=activity.latest(instance, limit=RECENT),
        recent_every=CALM,
        recent_version=g.version,
    )


@bp.get("/ui/instances/<instance_id>/journal")
@polled(_topics)
@login_required
def show_journal(instance_id: str) -> Response:
    """The journal of an instance, a page at a time; the first one is live."""
    instance = owned(instance_id)
    view = _asked(instance)
    return page("instances/journal.html", instance=instance, view=view, lines_every=BRISK)


@bp.get("/ui/instances/<instance_id>/journal/lines")
@polled(_topics)
@login_required
def journal_lines(instance_id: str) -> Response:
    """The lines of the live page with what is new; what stood there stays."""
    return _news(owned(instance_id))


@bp.get("/ui/journal")
@polled(_own_topics)
@login_required
def show_whole_journal() -> Response:
    """The journal of the person: the account, and all instances."""
    return page("account/journal.html", view=_asked(current_person()), lines_every=BRISK)


@bp.get("/ui/journal/lines")
@polled(_own_topics)
@login_required
def whole_journal_lines() -> Response:
    """Its lines with what is new."""
    return _news(current_person())


def _asked(whose: Whose) -> View:
    """The page that the address names."""
    group, text = _group(), _text()
    behind = request.args.get("behind")
    part = activity.page_of(whose, group=group, fits=_fits(text), behind=behind)
    return View(whose, part.lines, group, text, behind, part.next)


def _news(whose: Whose) -> Response:
    group, text = _group(), _text()
    first = request.args.get("first", "")
    lines = activity.since(whose, first, group=group, limit=LIVE_LINES)
    fits = _fits(text)
    shown = [line for line in lines if fits is None or fits(line)]
    view = View(whose, shown, group, text, None, request.args.get("next"))
    context = {"instance": view.instance, "view": view, "lines_every": BRISK}
    return respond("instances/_journal.html", page=view.address(), **context)


def _group() -> Group | None:
    value = request.args.get("group")
    return Group(value) if value in set(Group) else None


def _text() -> str:
    return request.args.get("q", "").strip()[:TEXT_LENGTH]


def _fits(text: str) -> Callable[[Activity], bool] | None:
    """Whether a line says `text`, as the reader sees it; None where nothing is searched."""
    if not text:
        return None
    parts = text.casefold().split()

    def says(line: Activity) -> bool:
        parts_of_it = (words.journal_sentence(line), words.journal_actor(line), line.address or "")
        said = " ".join(parts_of_it).casefold()
        return all(part in said for part in parts)

    return says
