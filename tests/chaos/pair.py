"""Two messages of one chat, both unconfirmed at once: each settles to the right one."""

from __future__ import annotations

from tests.chaos import hosts
from tests.chaos.judge import Verdict
from tests.chaos.stage import Line, Stage
from tests.waiting import wait_for

_WORDS = "The same words, twice"
_PATIENCE = 90.0  # seconds


def two_in_one_chat(stage: Stage, line: Line, verdict: Verdict) -> None:
    """On `line`, whose phones must tell no receipts: the contact reads the second one first."""
    stage.sandbox.set_faults(line.phone, ack_messages=False)
    first, second = _left_unconfirmed(stage, line), _left_unconfirmed(stage, line)
    stage.sandbox.set_faults(line.phone, ack_messages=True, ack_delay_ms=0)
    there = _received(stage, line)
    found = [_status(stage, first), _status(stage, second)]
    stage.sandbox.read(line.reader, line.phone, [there[1]])
    wait_for(lambda: _status(stage, second) == "read", _PATIENCE, "the second one is read")
    found += [_status(stage, first), _status(stage, second)]
    stage.sandbox.read(line.reader, line.phone, [there[0]])
    wait_for(lambda: _status(stage, first) == "read", _PATIENCE, "the first one is read")
    verdict.facts[
        "two unconfirmed in one chat: at first; when the second is read; then the first"
    ] = f"{found[0]} and {found[1]}; {found[2]} and {found[3]}; read and read"
    verdict.expect(found == ["unconfirmed"] * 3 + ["read"], f"one settled the other: {found}")
    verdict.expect(len(_received(stage, line)) == 2, "an unconfirmed message was sent again")


def _left_unconfirmed(stage: Stage, line: Line) -> str:
    """A message that arrives while nobody acknowledges it and its host is killed; its id."""
    before = len(_received(stage, line))
    body = {"to": f"+{line.reader}", "text": _WORDS}
    status, answer = stage.ask("POST", f"/instances/{line.instance_id}/send", body)
    assert status in {200, 202}, answer
    message_id: str = answer["message"]["id"]
    wait_for(lambda: len(_received(stage, line)) > before, _PATIENCE, "the contact has it")
    hosts.kill(stage, hosts.host_of(stage, line.instance_id)).back_after(stage)
    wait_for(lambda: _status(stage, message_id) == "unconfirmed", _PATIENCE, "unconfirmed")
    return message_id


def _status(stage: Stage, message_id: str) -> str:
    return str(stage.rows("select status from messages where id = ?", message_id)[0][0])


def _received(stage: Stage, line: Line) -> list[str]:
    """The ids under which the contact has these words."""
    return [
        entry["id"]
        for entry in stage.sandbox.log()
        if entry["kind"] == "message"
        and entry["direction"] == "received"
        and entry["account"] == line.reader
        and entry["text"] == _WORDS
    ]
