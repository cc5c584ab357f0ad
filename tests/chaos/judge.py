"""The judge: what the test network's log, the receiver and, last, the database say of a burst."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.load import Burst
from tests.chaos.stage import Stage

_PAUSE = 0.5  # seconds between two looks
_OPEN = {"queued", "sending", "unconfirmed"}


@dataclass
class Verdict:
    """What a scenario found: numbers to show, and what is wrong."""

    title: str
    facts: dict[str, object] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def expect(self, holds: bool, otherwise: str) -> None:
        """Writes `otherwise` down unless it holds."""
        if not holds:
            self.wrong.append(otherwise)


@dataclass
class Outcome:
    """Where the messages of a burst are."""

    written: dict[str, str]  # WhatsApp's id of each incoming one: its text, by the network's log
    stored: Counter[str]  # the same ids, by rows of the database
    told_in: Counter[str]  # the same ids, by different webhook-ids of the receiver
    delivered: Counter[str]  # texts of outgoing ones that reached the reader, by the network's log
    statuses: dict[str, str]  # of outgoing ones by text
    told_out: Counter[str]  # texts of message_sent, by different webhook-ids
    repeated: list[str]  # webhook-ids that came more than once

    @property
    def lost_in(self) -> list[str]:
        """Texts of incoming messages that are stored nowhere."""
        return [text for wa_id, text in self.written.items() if not self.stored[wa_id]]

    @property
    def quiet(self) -> bool:
        """Nothing is on its way any more."""
        settled = not _OPEN & set(self.statuses.values())
        sent = {text for text, status in self.statuses.items() if status != "failed"}
        told = all(self.told_in[wa_id] for wa_id in self.written) and sent <= set(self.told_out)
        return settled and told and not self.lost_in


def settled(stage: Stage, burst: Burst, within: float) -> Outcome:
    """The outcome once all is quiet, or after `within` seconds as it is then."""
    deadline = time.monotonic() + within
    while not (found := outcome(stage, burst)).quiet and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return outcome(stage, burst) if found.quiet else found


def outcome(stage: Stage, burst: Burst) -> Outcome:
    """How things stand now."""
    entries = [
        entry
        for entry in stage.sandbox.log(burst.log_start)
        if entry["kind"] == "message" and str(entry["text"]).startswith(f"{burst.name} ")
    ]
    authors = {line.author for line in stage.lines}
    readers = {line.reader for line in stage.lines}
    told, repeated = _told(stage, burst)
    rows = stage.rows(
        "select direction, wa_id, body, status from messages where body like ?", f"{burst.name} %"
    )
    return Outcome(
        written={
            entry["id"]: entry["text"]
            for entry in entries
            if entry["direction"] == "sent" and entry["account"] in authors
        },
        stored=Counter(wa_id for way, wa_id, _, _ in rows if way == "in"),
        told_in=told["message_received"],
        delivered=Counter(
            entry["text"]
            for entry in entries
            if entry["direction"] == "received" and entry["account"] in readers
        ),
        statuses={body: status for way, _, body, status in rows if way == "out"},
        told_out=told["message_sent"],
        repeated=repeated,
    )


def judge(verdict: Verdict, burst: Burst, found: Outcome, window: int = 0) -> None:
    """Writes down numbers and what is wrong. `window`: how many incoming messages may have been in
    the engine's buffer of a host that was killed."""
    lost, doubled = found.lost_in, [one for one, count in found.stored.items() if count > 1]
    unconfirmed = [text for text, status in found.statuses.items() if status == "unconfirmed"]
    missing = [text for text in burst.taken if not found.delivered[text]]
    twice = [text for text, count in found.delivered.items() if count > 1]
    told_twice = [one for one, count in (found.told_in + found.told_out).items() if count > 1]
    untold = [one for one in found.stored if not found.told_in[one]]
    untold += [text for text in burst.taken if not found.told_out[text]]
    verdict.facts |= {
        "incoming: written by contacts, stored": f"{len(found.written)}, {len(found.stored)}",
        "incoming lost, stored twice": f"{len(lost)}, {len(doubled)}",
        "outgoing: accepted, delivered": f"{len(burst.taken)}, {len(found.delivered)}",
        "outgoing not delivered, delivered twice": f"{len(missing)}, {len(twice)}",
        "outgoing by status": dict(Counter(found.statuses.values())),
        "events not told, told under two ids": f"{len(untold)}, {len(told_twice)}",
        "webhook-ids that came again": len(found.repeated),
        "seconds of load": round(burst.seconds, 1),
    }
    verdict.expect(not burst.failures, f"load: {burst.failures[:3]}")
    verdict.expect(len(found.written) == burst.sent, "the network's log lacks what was written")
    verdict.expect(len(lost) <= window, f"incoming lost: {lost[:5]}")
    verdict.expect(not doubled, f"stored twice: {doubled[:5]}")
    verdict.expect(set(missing) <= set(unconfirmed), f"outgoing lost: {missing[:5]}")
    verdict.expect(not twice, f"delivered twice: {twice[:5]}")
    verdict.expect(not _OPEN & set(found.statuses.values()), "outgoing messages are not settled")
    verdict.expect(not untold, f"not told: {untold[:5]}")
    verdict.expect(not told_twice, f"told under two ids: {told_twice[:5]}")


def _told(stage: Stage, burst: Burst) -> tuple[dict[str, Counter[str]], list[str]]:
    """Messages by event, each counted once a webhook-id, and ids that came more than once."""
    arrivals: Counter[str] = Counter()
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for request in list(stage.receiver.requests):
        event: dict[str, Any] = json.loads(request.body)
        data = event["data"]
        if not str(data.get("body", "")).startswith(f"{burst.name} "):
            continue
        delivery = {name.lower(): value for name, value in request.headers.items()}["webhook-id"]
        arrivals[delivery] += 1
        if arrivals[delivery] == 1:
            incoming = event["event"] == "message_received"
            told[event["event"]][data["whatsappId"] if incoming else data["body"]] += 1
    return told, [delivery for delivery, count in arrivals.items() if count > 1]
