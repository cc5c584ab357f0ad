"""Where the messages of a burst are: what the test network's log, the receiver and, last, the
database say."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.chaos.load import Burst
from tests.chaos.stage import Stage

_PAUSE = 0.5  # seconds between two looks
_STILL = 10.0  # seconds without news after which nothing more is expected
_UNDER_WAY = {"queued", "sending"}
_WENT = {"sent", "delivered", "read"}
_COLUMNS = "id, instance_id, direction, wa_id, body, status, settled"


@dataclass(frozen=True)
class Row:
    """A message as the product has it."""

    id: str
    instance_id: str
    direction: str
    wa_id: str | None
    text: str
    status: str
    settled: str | None

    @property
    def is_open(self) -> bool:
        """Whether something is still to happen to it."""
        return self.status in _UNDER_WAY or self.is_unconfirmed

    @property
    def is_unconfirmed(self) -> bool:
        """Whether it may have gone, and nobody has decided."""
        return self.status == "unconfirmed" and self.settled is None


@dataclass(frozen=True)
class Delivery:
    """A message that the reader's phone has decrypted."""

    wa_id: str
    text: str
    at: datetime


@dataclass
class Outcome:
    """Where the messages of a burst are."""

    written: dict[str, str]  # WhatsApp's id of each incoming one: its text, by the network's log
    delivered: list[Delivery]  # outgoing ones that reached the reader, by the network's log
    stored: Counter[str]  # ids of incoming ones by rows of the database
    outgoing: list[Row]
    told_in: Counter[str]  # ids of incoming ones, by different webhook-ids of the receiver
    told_out: Counter[str]  # ids of message_sent, by different webhook-ids
    repeated: Counter[str]  # how often each webhook-id came again

    @property
    def lost_in(self) -> list[str]:
        """Texts of incoming messages that are stored nowhere."""
        return [text for wa_id, text in self.written.items() if not self.stored[wa_id]]

    @property
    def went(self) -> list[Row]:
        """Outgoing messages that WhatsApp is known to have."""
        return [row for row in self.outgoing if row.status in _WENT]

    @property
    def untold(self) -> list[str]:
        """Texts of stored and of sent messages that the receiver was not told of."""
        untold = [self.written.get(one, one) for one in self.stored if not self.told_in[one]]
        return untold + [row.text for row in self.went if not self.told_out[str(row.wa_id)]]

    @property
    def deliveries(self) -> Counter[str]:
        """How often each text reached its reader."""
        return Counter(one.text for one in self.delivered)

    @property
    def delivered_twice(self) -> list[str]:
        """Texts that arrived more often than somebody had them sent."""
        wanted = Counter(row.text for row in self.outgoing if row.settled == "resent")
        return [text for text, count in self.deliveries.items() if count > 1 + wanted[text]]

    @property
    def mistaken(self) -> list[str]:
        """Texts under an id of WhatsApp's that the reader has another text, or nothing, for."""
        texts = {one.wa_id: one.text for one in self.delivered}
        return [row.text for row in self.went if texts.get(str(row.wa_id)) != row.text]


def settled(
    stage: Stage,
    burst: Burst,
    within: float,
    may_stay: Callable[[Row], bool] = lambda row: False,
) -> Outcome:
    """The outcome once all is quiet, or after `within` seconds as it is then.

    `may_stay` tells of which open messages nothing more will be heard. Incoming messages are waited
    for until the network has nothing left to bring and nothing was stored for a while.
    """
    deadline, changed_at, lost = time.monotonic() + within, time.monotonic(), -1
    while True:
        found = outcome(stage, burst)
        if len(found.lost_in) != lost or stage.waiting():
            changed_at, lost = time.monotonic(), len(found.lost_in)
        busy = found.untold or any(row.is_open and not may_stay(row) for row in found.outgoing)
        if not busy and (not lost or time.monotonic() > changed_at + _STILL):
            return outcome(stage, burst)
        if time.monotonic() > deadline:
            return found
        time.sleep(_PAUSE)


def outcome(stage: Stage, burst: Burst) -> Outcome:
    """How things stand now."""
    authors = {line.author for line in stage.lines}
    readers = {line.reader for line in stage.lines}
    entries = _entries(stage, burst)
    told, repeated = _told(stage, burst)
    rows = rows_of(stage, burst)
    return Outcome(
        written={
            entry["id"]: entry["text"]
            for entry in entries
            if entry["direction"] == "sent" and entry["account"] in authors
        },
        delivered=[
            Delivery(entry["id"], entry["text"], datetime.fromisoformat(entry["time"]))
            for entry in entries
            if entry["direction"] == "received" and entry["account"] in readers
        ],
        stored=Counter(str(row.wa_id) for row in rows if row.direction == "in"),
        outgoing=[row for row in rows if row.direction == "out"],
        told_in=told["message_received"],
        told_out=told["message_sent"],
        repeated=repeated,
    )


def rows_of(stage: Stage, burst: Burst) -> list[Row]:
    """The messages of a burst that the product has."""
    query = f"select {_COLUMNS} from messages where body like ?"  # noqa: S608 - our own columns
    return [Row(*row) for row in stage.rows(query, f"{burst.name} %")]


def _entries(stage: Stage, burst: Burst) -> list[dict[str, Any]]:
    return [
        entry
        for entry in stage.sandbox.log(burst.log_start)
        if entry["kind"] == "message" and str(entry["text"]).startswith(f"{burst.name} ")
    ]


def _told(stage: Stage, burst: Burst) -> tuple[dict[str, Counter[str]], Counter[str]]:
    """Messages by event, each counted once a webhook-id, and how often such an id came again."""
    arrivals: Counter[str] = Counter()
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for request in (one for one in list(stage.receiver.requests) if one.is_whole):
        event: dict[str, Any] = json.loads(request.body)
        data = event["data"]
        if not str(data.get("body", "")).startswith(f"{burst.name} "):
            continue
        delivery = {name.lower(): value for name, value in request.headers.items()}["webhook-id"]
        arrivals[delivery] += 1
        if arrivals[delivery] == 1:
            told[event["event"]][data["whatsappId"]] += 1
    return told, Counter({one: count - 1 for one, count in arrivals.items() if count > 1})
