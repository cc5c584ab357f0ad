"""The journal of an instance, and that of a person."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from app import models
from app.api.blueprint import bp
from app.api.bodies import Answer, Moment
from app.api.identity import caller
from app.api.pages import PageQuery
from app.core.events import iso
from app.core.journal import Group, group_of
from app.services import activity, instances

Kind = Literal[
    "connection",
    "linking",
    "messages",
    "settings",
    "webhooks",
    "contacts",
    "sign_ins",
    "account",
    "people",
]


class JournalQuery(PageQuery):
    """Which lines of the journal."""

    group: Kind | None = Field(
        default=None, description="Only lines about this; people: only what a person did."
    )


class Actor(Answer):
    """Who did something: a person, in the browser or through a program."""

    id: str = Field(examples=["usr_01J9ZK8M3Q4R5S6T7V8W9X0Y1Z"])
    name: str
    via: Literal["browser", "key", "token"]


class Line(Answer):
    """One thing that happened."""

    id: str = Field(examples=["act_01J9ZK8M3Q4R5S6T7V8W9X0Y1Z"])
    kind: str = Field(examples=["instance:state:changed"])
    group: Kind | None
    detail: dict[str, Any] = Field(examples=[{"to": "connected", "reason": None}])
    instance_id: str | None = Field(description="Null: it is about the account.")
    actor: Actor | None = Field(description="Null: it happened by itself.")
    address: str | None = Field(
        description="Where the person, or the program, came from.", examples=["192.0.2.7"]
    )
    created_at: Moment


class Journal(Answer):
    """A part of the journal."""

    items: list[Line]
    next_cursor: str | None = Field(description="Ask with it for older lines; null at the end.")


@bp.get("/instances/<instance_id>/activity")
@bp.input(JournalQuery, location="query", arg_name="query")
@bp.output(Journal, description="What happened, newest first.")
@bp.doc(operation_id="listActivity", summary="Read the journal", tags=["Instances"])
def list_activity(instance_id: str, query: JournalQuery) -> Journal:
    """Read the journal

    What happened to the instance and by whom, newest first, page by page.
    """
    return _page(instances.get_for(caller(), instance_id), query)


@bp.get("/activity")
@bp.input(JournalQuery, location="query", arg_name="query")
@bp.output(Journal, description="What happened, newest first.")
@bp.doc(operation_id="listAllActivity", summary="Read the whole journal", tags=["Account"])
def list_all_activity(query: JournalQuery) -> Journal:
    """Read the whole journal

    What happened to the account and to all its instances, by whom and from where, newest first,
    page by page: sign-ins, keys, settings, states, imports, failures.
    """
    return _page(caller(), query)


def _page(whose: activity.Whose, query: JournalQuery) -> Journal:
    page = activity.page_of(
        whose,
        group=Group(query.group) if query.group else None,
        behind=query.cursor,
        limit=query.limit,
    )
    return Journal(items=[_shown(line) for line in page.lines], next_cursor=page.next)


def _shown(line: models.Activity) -> Line:
    group = group_of(line.kind)
    return Line.model_validate(
        {
            "id": line.id,
            "kind": line.kind,
            "group": group.value if group else None,
            "detail": line.detail,
            "instanceId": line.instance_id,
            "actor": _actor(line),
            "address": line.address,
            "createdAt": iso(line.created_at),
        }
    )


def _actor(line: models.Activity) -> dict[str, str] | None:
    if line.user is None:
        return None
    name = line.user.name or line.user.email
    return {"id": line.user.id, "name": name, "via": line.via or "browser"}
