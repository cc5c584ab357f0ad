"""The list of a person's instances: found, filtered, sorted and counted.

One lean query tells enough of all of them to choose from; only those of the page that is shown
are read in full. Text is compared here and not in the database, whose idea of upper and lower
case ends with the Latin letters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, or_, select

from app.clock import utcnow
from app.core.states import InstanceState
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount, User
from app.services.instances import belongs_to


class Sort(StrEnum):
    """What a list goes by."""

    NAME = "name"
    ACTIVITY = "activity"
    STATE = "state"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to see of their instances."""

    text: str = ""
    state: InstanceState | None = None
    sort: Sort = Sort.NAME
    page: int = 1
    size: int = 25


@dataclass(frozen=True, slots=True)
class Summary:
    """An instance as a list shows it."""

    instance: Instance
    unread: int
    active_at: datetime  # the newest message, or the last change of state


@dataclass(frozen=True, slots=True)
class Overview:
    """A page of the list, and what the rest of it comes to."""

    total: int  # all that the person has
    found: int  # all that fit the text and the state
    states: dict[InstanceState, int]  # how many fit the text, by state
    summaries: list[Summary]
    page: int
    pages: int


def overview_of(user: User, wish: Wish) -> Overview:
    """The page of the user's instances that `wish` asks for, the last one if there are fewer."""
    everything = [_Line(*row) for row in db.session.execute(_lines(user))]
    fitting = [line for line in everything if _fits(line, wish.text)]
    chosen = [line for line in fitting if wish.state in {None, line.state}]
    chosen.sort(key=_ORDERS[wish.sort])
    pages = max(1, -(-len(chosen) // wish.size))
    page = min(max(wish.page, 1), pages)
    return Overview(
        total=len(everything),
        found=len(chosen),
        states=dict(Counter(InstanceState(line.state) for line in fitting)),
        summaries=_in_full(chosen[(page - 1) * wish.size : page * wish.size]),
        page=page,
        pages=pages,
    )


def summary_of(instance: Instance) -> Summary:
    """One instance as the list would show it."""
    row = db.session.execute(select(_unread(), _NEWEST).where(Instance.id == instance.id)).one()
    active_at = max(instance.state_changed_at, row[1] or instance.created_at)
    return Summary(instance, row[0] or 0, active_at)


@dataclass(frozen=True, slots=True)
class _Line:
    """All that finding and sorting needs of an instance."""

    id: str
    name: str
    description: str
    state: str
    state_changed_at: datetime
    phone: str | None
    push_name: str | None
    unread: int | None
    newest: datetime | None

    @property
    def active_at(self) -> datetime:
        return max(self.state_changed_at, self.newest or self.state_changed_at)


# Each is a seek or two in an index, for one instance at a time.
_NEWEST = (
    select(func.max(Chat.last_at)).where(Chat.account_id == Instance.account_id).scalar_subquery()
)


def _unread() -> Any:
    """How much waits for somebody: nothing does in chats that are muted or in the archive."""
    heard = or_(Chat.muted_until.is_(None), Chat.muted_until <= utcnow())
    return (
        select(func.sum(Chat.unread))
        .where(Chat.account_id == Instance.account_id, Chat.unread > 0)
        .where(Chat.archived_at.is_(None), heard)
        .scalar_subquery()
    )


def _lines(user: User) -> Any:
    return (
        select(
            Instance.id,
            Instance.name,
            Instance.description,
            Instance.state,
            Instance.state_changed_at,
            LinkedAccount.phone,
            LinkedAccount.push_name,
            _unread(),
            _NEWEST,
        )
        .outerjoin(LinkedAccount, LinkedAccount.id == Instance.account_id)
        .where(belongs_to(user))
    )


def _in_full(lines: list[_Line]) -> list[Summary]:
    query = select(Instance).where(Instance.id.in_([line.id for line in lines]))
    rows = {instance.id: instance for instance in db.session.scalars(query)}
    return [
        Summary(rows[line.id], line.unread or 0, line.active_at)
        for line in lines
        if line.id in rows  # deleted in between
    ]


def _fits(line: _Line, text: str) -> bool:
    """Whether every word of `text` stands in the name, the description, the account's name or
    the number; a number may be written in any notation."""
    digits = "".join(filter(str.isdigit, text))
    if digits and not any(map(str.isalpha, text)) and digits in (line.phone or ""):
        return True
    shown = " ".join((line.name, line.description, line.push_name or "", line.phone or ""))
    return all(word in shown.casefold() for word in text.casefold().split())


# What needs somebody first.
_URGENCY = {
    state: place
    for place, state in enumerate(
        (
            InstanceState.FAILED,
            InstanceState.LOGGED_OUT,
            InstanceState.DISCONNECTED,
            InstanceState.PAIRING,
            InstanceState.CREATED,
            InstanceState.CONNECTING,
            InstanceState.STOPPED,
            InstanceState.CONNECTED,
        )
    )
}
_ORDERS: dict[Sort, Callable[[_Line], Any]] = {
    Sort.NAME: lambda line: (line.name.casefold(), line.id),
    Sort.ACTIVITY: lambda line: (-line.active_at.timestamp(), line.id),
    Sort.STATE: lambda line: (_URGENCY[InstanceState(line.state)], line.name.casefold(), line.id),
    Sort.UNREAD: lambda line: (-(line.unread or 0), line.name.casefold(), line.id),
}
