"""The events of an instance for programs that cannot be called: fetched, or as a stream."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import structlog
from flask import Response, request, stream_with_context
from pydantic import Field
from sqlalchemy.exc import DBAPIError

from app import topics, waiting
from app.api import identity
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment
from app.core.errors import AppError, Invalid, TooManyStreams
from app.core.events import FETCHED, Event
from app.core.texts import N_
from app.extensions import db
from app.services import event_feed, instances
from app.services.event_feed import Fetched, Part
from app.transaction import transaction

log = structlog.get_logger(__name__)

TAGS = ["Events"]
PATH = "/instances/<instance_id>/events"
LONGEST_WAIT = 25
STREAM_SECONDS = 300.0
"""Then a stream ends, and its reader comes again: a server that is replaced is left in time."""
HEARTBEAT_SECONDS = 15.0
_SENT_TOGETHER = 100
_UNREAD_SECONDS = 30.0
"""A stream whose reader takes nothing for so long breaks off."""
_BACK_AFTER = 2  # seconds
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: `id` is the cursor, `event` the event's name, `data` "
        "what a webhook is sent.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


class Told(Answer):
    """What a webhook is sent of an event."""

    event: str = Field(examples=["message_received"])
    instance_id: str
    data: dict[str, Any]
    timestamp: Moment


class KeptEvent(Answer):
    """One event."""

    id: str = Field(
        description="Also the cursor behind it.", examples=["evt_01J9ZK8M3Q4R5S6T7V8W9X0Y1Z"]
    )
    body: Told


class EventList(Answer):
    """Events, oldest first."""

    items: list[KeptEvent]
    cursor: str = Field(description="Ask with it as `since` for what comes next.")
    more: bool = Field(description="Whether something has come next already.")


class Which(Body):
    """Which events, and from where on."""

    since: str | None = Field(
        default=None,
        max_length=40,
        description="A cursor: what came behind it. Nothing: all that is kept; `now`: what comes.",
    )
    types: str = Field(
        default="", max_length=1000, description="Names of events, with commas between; else all."
    )

    @property
    def events(self) -> frozenset[Event]:
        """The events that `types` names. Raises Invalid for one that there is not."""
        names = {name.strip() for name in self.types.split(",")} - {""}
        if unknown := names - FETCHED:
            message = N_("There is no event %(name)s.")
            raise Invalid(message, field="types", code="unknown_event", name=min(unknown))
        return frozenset(map(Event, names))


class EventQuery(Which):
    """Which events, how many, and how long to wait for the first."""

    limit: int = Field(default=100, ge=1, le=200, description="How many at most.")
    wait: int = Field(
        default=0, ge=0, le=LONGEST_WAIT, description="Seconds to wait when there is none yet."
    )


@bp.get(PATH)
@bp.input(EventQuery, location="query", arg_name="query")
@bp.output(EventList, description="The events, oldest first.")
@bp.doc(operation_id="listEvents", summary="Fetch events", tags=TAGS)
def list_events(instance_id: str, query: EventQuery) -> tuple[EventList, int, dict[str, str]]:
    """Fetch events

    The first time begins to keep them: what happened before is not there. They are kept for
    EVENTS_KEEP_HOURS, and as long as somebody asks within 7 days. With ?wait=SECONDS the answer
    comes as soon as there is an event; at once, and with Retry-After, when too many wait already.
    """
    events = query.events
    part = Part([], _begin(instance_id, query.since), more=False)

    def found() -> bool:
        nonlocal part
        part = event_feed.part_of(instance_id, part.cursor, events=events, limit=query.limit)
        return bool(part.events)

    started, topic = time.monotonic(), topics.events(instance_id)
    waiting.wait_for(found, topic=topic, seconds=query.wait, places=waiting.EVENTS)
    in_vain = not part.events and time.monotonic() - started < query.wait
    items = [KeptEvent(id=one.id, body=Told(**_told(one))) for one in part.events]
    shown = EventList(items=items, cursor=part.cursor, more=part.more)
    return shown, 200, {"Retry-After": str(_BACK_AFTER)} if in_vain else {}


@bp.get(f"{PATH}/stream")
@bp.input(Which, location="query", arg_name="query")
@bp.doc(operation_id="streamEvents", summary="Stream events", tags=TAGS, responses=_STREAM)
def stream_events(instance_id: str, query: Which) -> Response:
    """Stream events

    As server-sent events, from the cursor in the header Last-Event-ID or in `since` on. Ends after
    5 minutes: come again with the last id. Every 15 s there is a comment when there is no event.
    Answers 503 too_many_streams when a third of the server's threads stream or wait already.
    """
    events = query.events
    cursor = _begin(instance_id, request.headers.get("Last-Event-ID") or query.since)
    if not waiting.EVENTS.take():
        raise TooManyStreams()
    response = Response(
        stream_with_context(_stream(instance_id, cursor, events)), content_type="text/event-stream"
    )
    response.call_on_close(waiting.EVENTS.leave)
    response.headers["X-Accel-Buffering"] = "no"  # nginx would keep the events back
    return response


def _begin(instance_id: str, since: str | None) -> str:
    """The cursor to read from; from now on events are kept."""
    feed = event_feed.feed_of(instances.get_for(identity.caller(), instance_id))
    if feed is None:
        with transaction():
            instance = instances.get_for(identity.caller(), instance_id)
            feed = event_feed.want(instance)
    return event_feed.start_of(feed, since)


def _stream(instance_id: str, cursor: str, events: frozenset[Event]) -> Iterator[bytes]:
    """What is written to the reader. Who may not read any more is told nothing more."""
    waiting.give_up_after(_UNREAD_SECONDS)
    yield _line(f"retry: {_BACK_AFTER * 1000}", f"id: {cursor}")
    written_at = time.monotonic()
    try:
        for _ in waiting.moments(topics.events(instance_id), seconds=STREAM_SECONDS):
            instances.get_for(identity.identified(), instance_id)
            more = True
            while more:
                part = event_feed.part_of(instance_id, cursor, events=events, limit=_SENT_TOGETHER)
                db.session.rollback()  # a slow reader holds up no connection of the database
                cursor, more = part.cursor, part.more
                if part.events:
                    yield b"".join(map(_written, part.events))
                    written_at = time.monotonic()
            if time.monotonic() - written_at >= HEARTBEAT_SECONDS:
                yield _line(": nothing new", f"id: {cursor}")  # also past events of other types
                written_at = time.monotonic()
    except (AppError, DBAPIError) as error:
        log.info("stream.ended", instance=instance_id, error=type(error).__name__)


def _written(event: Fetched) -> bytes:
    return _line(f"id: {event.id}", f"event: {event.event}", f"data: {event.body.decode()}")


def _line(*fields: str) -> bytes:
    return "".join(f"{field}\n" for field in (*fields, "")).encode()


def _told(event: Fetched) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(event.body)
    return content | {"instance_id": content.pop("instanceId")}
