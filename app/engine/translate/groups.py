"""Groups: that the account is in a new one, and what changes in those it is in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from app.engine.address import Address
from app.engine.events import Event, GroupChanged, GroupJoined
from app.engine.groups import facts_of
from app.engine.raw import RawEvent
from app.engine.translate.sources import address_of


def _joined(message: Any, raw: RawEvent) -> list[Event]:
    facts = facts_of(message.GroupInfo)
    return [GroupJoined(facts)] if facts.id else []


def _changed(message: Any, raw: RawEvent) -> list[Event]:
    group = address_of(message.JID)
    if not group.is_group:
        return []
    writes = message.Announce.IsAnnounce if message.HasField("Announce") else None
    return [
        GroupChanged(
            group=group,
            by=address_of(message.Sender),
            timestamp=datetime.fromtimestamp(message.Timestamp, UTC),
            joined=_people(message.Join),
            left=_people(message.Leave),
            promoted=_people(message.Promote),
            demoted=_people(message.Demote),
            by_link=message.JoinReason == "invite",
            name=_plain(message.Name.Name) if message.HasField("Name") else None,
            description=_plain(message.Topic.Topic) if message.HasField("Topic") else None,
            only_admins_write=writes,
            deleted=message.HasField("Delete") and message.Delete.Deleted,
        )
    ]


def _people(jids: Iterable[Any]) -> tuple[Address, ...]:
    return tuple(address_of(jid) for jid in jids)


def _plain(text: str) -> str:
    return text.replace("\0", "").strip()


TRANSLATORS: dict[str, Callable[[Any, RawEvent], list[Event]]] = {
    "JoinedGroup": _joined,
    "GroupInfoEvent": _changed,
}
