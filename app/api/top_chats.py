"""The chats in which most is written."""

from __future__ import annotations

from pydantic import Field

from app.api.blueprint import bp
from app.api.bodies import Answer
from app.api.identity import caller
from app.api.statistics import TAGS, StatisticsQuery, scope_of_all, zone_of
from app.services import instances, statistics
from app.services.statistics import Scope


class ChatsQuery(StatisticsQuery):
    """Which chats."""

    instance_id: str | None = Field(
        default=None, max_length=40, description="Only those of this instance."
    )


class TopChat(Answer):
    """A chat, and how much was written in it."""

    id: str = Field(examples=["cht_01J9ZK8M3Q4R5S6T7V8W9X0Y1Z"])
    instance_id: str
    name: str
    jid: str = Field(examples=["79161234567@s.whatsapp.net"])
    sent: int
    received: int


class TopChats(Answer):
    """The chats in which most was written."""

    items: list[TopChat]


@bp.get("/stats/chats")
@bp.input(ChatsQuery, location="query", arg_name="query")
@bp.output(TopChats, description="Up to ten, most first.")
@bp.doc(operation_id="listTopChats", summary="List the busiest chats", tags=TAGS)
def list_top_chats(query: ChatsQuery) -> TopChats:
    """List the busiest chats

    Those in which most was sent and received in a period, by whole days of UTC.
    """
    if query.instance_id:
        scope = Scope(caller().id, instances.get_for(caller(), query.instance_id))
    else:
        scope = scope_of_all()
    times = statistics.times_for(scope, query.period, zone_of(query))
    items = [
        TopChat(
            id=one.chat.id,
            instance_id=one.chat.instance_id,
            name=one.chat.shown_name,
            jid=one.chat.jid,
            sent=one.flow.sent,
            received=one.flow.received,
        )
        for one in statistics.top_chats(scope, times)
    ]
    return TopChats(items=items)
