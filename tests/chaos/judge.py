"""The judge: numbers to show of an outcome, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.load import Burst
from tests.chaos.outcome import Outcome


@dataclass
class Verdict:
    """What a scenario found: numbers to show, what to know about them, and what is wrong."""

    title: str
    notes: str = ""
    facts: dict[str, object] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def expect(self, holds: bool, otherwise: str) -> None:
        """Writes `otherwise` down unless it holds."""
        if not holds:
            self.wrong.append(otherwise)


def judge(verdict: Verdict, burst: Burst, found: Outcome, window: int = 0) -> None:
    """Writes down numbers and what is wrong. `window`: how many incoming messages may have been in
    the engine's buffers of hosts that were killed."""
    count(verdict, burst, found)
    doubled = [one for one, times in found.stored.items() if times > 1]
    deliveries = found.deliveries
    missing = {text for text in burst.taken if not deliveries[text]}
    told_twice = [one for one, times in (found.told_in + found.told_out).items() if times > 1]
    dismissed = {row.text for row in found.outgoing if row.settled == "dismissed"}
    is_open = [row.text for row in found.outgoing if row.is_open]
    verdict.expect(not burst.failures, f"load: {burst.failures[:3]}")
    verdict.expect(len(found.written) == burst.sent, "the network's log lacks what was written")
    verdict.expect(len(found.lost_in) <= window, f"incoming lost: {found.lost_in[:5]}")
    verdict.expect(not doubled, f"stored twice: {doubled[:5]}")
    verdict.expect(missing <= dismissed, f"outgoing lost: {sorted(missing)[:5]}")
    verdict.expect(not found.delivered_twice, f"delivered twice: {found.delivered_twice[:5]}")
    verdict.expect(not found.mistaken, f"settled to the wrong one: {found.mistaken[:5]}")
    verdict.expect(not is_open, f"outgoing not settled: {is_open[:5]}")
    verdict.expect(not found.untold, f"not told: {found.untold[:5]}")
    verdict.expect(not told_twice, f"told under two ids: {told_twice[:5]}")


def count(verdict: Verdict, burst: Burst, found: Outcome) -> None:
    """Writes down the numbers of a burst."""
    doubled = sum(times > 1 for times in found.stored.values())
    told_twice = sum(times > 1 for times in (found.told_in + found.told_out).values())
    deliveries = found.deliveries
    missing = sum(not deliveries[text] for text in burst.taken)
    statuses = Counter(" ".join(filter(None, (row.status, row.settled))) for row in found.outgoing)
    verdict.facts |= {
        "incoming: written by contacts, stored": f"{len(found.written)}, {len(found.stored)}",
        "incoming lost, stored twice": f"{len(found.lost_in)}, {doubled}",
        "outgoing: accepted, delivered": f"{len(burst.taken)}, {len(deliveries)}",
        "outgoing not delivered, delivered twice unasked": (
            f"{missing}, {len(found.delivered_twice)}"
        ),
        "outgoing by status": ", ".join(f"{times} {one}" for one, times in statuses.items()),
        "events not told, told under two ids": f"{len(found.untold)}, {told_twice}",
        "deliveries that came again under the same webhook-id": found.repeated.total(),
        "seconds of load": round(burst.seconds, 1),
    }
