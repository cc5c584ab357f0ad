"""Scenario 10: one phone, twenty chats, a thousand messages each way at once, unpaced."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from tests.chaos.judge import Verdict, judge
from tests.chaos.load import Burst
from tests.chaos.outcome import Outcome, settled
from tests.chaos.stage import Line, Stage, running_stage

_CHATS = 20
_GAP_MS = 50
_PACE = 1000 / _GAP_MS  # a second, each way
_LOST_AT_MOST = 5
_SETTLE = 180.0  # seconds
_SHOWN = (
    "select chat_id, body from messages where direction = 'in' and body like ?"
    " order by chat_id, shown_at, id"
)

_NOTES = f"""\
Here messages do cross in a chat, which the other scenarios avoid: {_CHATS} contacts write to the
one phone while it writes to each of them. Nothing paces it but the gap of {_GAP_MS} ms between two
sends of one session, the least that the product takes (`SEND_GAP_MS`); the contacts write at the
same pace, so both go on to the end. The engine may then roll a key back and use it twice, and
what comes under such a key is refused by whoever gets it. Each side says so by the message's id:
the engine in its log ("received message with old counter"), the contacts' phones in the network's.
A message may be lost only where such a line names it, and at most {_LOST_AT_MOST} may. What a
contact's phone asked for again comes late, so it is left out where the order is judged."""


def run(folder: Path, database: str, scale: float) -> Verdict:
    """1,000 in from 20 chats while 1,000 go out to the same, nobody killed."""
    verdict = Verdict("10. 1,000 each way in the same 20 chats, unpaced", _NOTES)
    with running_stage(folder, database, 1, SEND_GAP_MS=str(_GAP_MS)) as stage:
        stage.lines = _chats(stage)
        count = int(1000 * scale)
        burst = Burst(stage, count, count, _PACE).start()
        burst.join()
        found = settled(stage, burst, _SETTLE)
        refused = _refused_by_the_engine(stage, found)
        judge(verdict, burst, found, window=min(_LOST_AT_MOST, len(refused)))
        _judge_losses(verdict, found, refused)
        _judge_order(stage, verdict, burst)
    return verdict


def _chats(stage: Stage) -> list[Line]:
    """The one phone as a line for each contact, who writes to it and is written to."""
    line, contacts = stage.lines[0], [f"15556000{number:03}" for number in range(_CHATS)]
    for contact in contacts:
        stage.sandbox.add_account(contact, f"Contact {contact[-3:]}")
    return [Line(line.instance_id, line.phone, contact, contact) for contact in contacts]


def _refused_by_the_engine(stage: Stage, found: Outcome) -> set[str]:
    """Ids of written messages that a line of the engine's about an old counter names."""
    lines = [line for line in stage.product.output.splitlines() if "old counter" in line]
    return {wa_id for wa_id in found.written if any(wa_id in line for line in lines)}


def _judge_losses(verdict: Verdict, found: Outcome, refused: set[str]) -> None:
    lost = {wa_id for wa_id in found.written if not found.stored[wa_id]}
    verdict.facts["incoming that the engine refused for an old counter"] = len(refused)
    verdict.expect(lost <= refused, f"lost without such a line: {lost - refused}")


def _judge_order(stage: Stage, verdict: Verdict, burst: Burst) -> None:
    """By the contacts' phones for what went out, by the conversation for what came in."""
    again = _asked_for_again(stage, burst)
    reasons = [f"{count} {reason}" for reason, count in Counter(again.values()).items()]
    verdict.facts["outgoing that a contact's phone asked for again"] = ", ".join(reasons) or "none"
    for name, chats in (
        ("outgoing", _went(stage, burst, again)),
        ("incoming", _came(stage, burst)),
    ):
        mixed = [chat for chat, texts in chats.items() if texts != sorted(texts, key=_number)]
        verdict.facts[f"{name}: chats, those out of order"] = f"{len(chats)}, {len(mixed)}"
        verdict.expect(len(chats) == _CHATS, f"{name} are in {len(chats)} chats")
        verdict.expect(not mixed, f"{name} out of order in {mixed[:5]}")


def _asked_for_again(stage: Stage, burst: Burst) -> dict[str, str]:
    """Why, by WhatsApp's id of the message."""
    return {
        entry["id"]: entry["reason"]
        for entry in stage.sandbox.log(burst.log_start)
        if entry["kind"] == "undecryptable"
    }


def _went(stage: Stage, burst: Burst, again: dict[str, str]) -> dict[str, list[str]]:
    """What each contact's phone read, in that order, without those that it asked for again."""
    texts: dict[str, list[str]] = defaultdict(list)
    for entry in stage.sandbox.log(burst.log_start):
        received = entry["kind"] == "message" and entry["direction"] == "received"
        if not received or entry["id"] in again:
            continue
        if entry["text"].startswith(f"{burst.name} out "):
            texts[entry["account"]].append(entry["text"])
    return texts


def _came(stage: Stage, burst: Burst) -> dict[str, list[str]]:
    """What came into each chat, in the order of its conversation."""
    texts: dict[str, list[str]] = defaultdict(list)
    for chat, text in stage.rows(_SHOWN, f"{burst.name} %"):
        texts[chat].append(text)
    return texts


def _number(text: str) -> int:
    return int(text.split()[-1])
