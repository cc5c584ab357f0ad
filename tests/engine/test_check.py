"""The round trip that tells a connected session from one that only claims to be."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.engine import chat_settings, groups, neonize, people
from app.engine.events import Connected, Disconnected
from app.sandbox.testing import Sandbox
from tests.engine.conftest import OWN_NUMBER, PEER, PEER_NUMBER, Link
from tests.engine.driver import EngineProcess, Refused
from tests.waiting import wait_for

Session = tuple[EngineProcess, Link]


ROOMS = neonize, groups, people, chat_settings
READ_THE_STORE = {
    "create_group",
    "get_group_info",
    "get_joined_groups",
    "update_blocklist",
    "update_group_participants",
}
"""They may end the process for a session that is closed: closing leaves them the time to begin."""


def calls_of_the_engine() -> set[str]:
    """The methods of neonize's client that sessions use."""
    trees = [ast.parse(Path(one.__file__).read_text()) for one in ROOMS]
    return {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node.value) in {"client", "self._client"}
        and node.attr not in {"jid", "event", "uuid", "_stop_finalizer"}
    }


def test_calls_that_read_the_store_say_so() -> None:
    """Each stands where closing waits for it to begin."""
    for room in ROOMS:
        for node in ast.walk(ast.parse(Path(room.__file__).read_text())):
            if not isinstance(node, ast.With):
                continue
            calls = {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
            if calls & READ_THE_STORE:
                assert "reads_store=True" in ast.unparse(node.items[0]), ast.unparse(node)


@pytest.fixture
def connected(session: Session) -> Session:
    session[0].wait_event(Connected)
    return session


def test_connected_session_is_answered(connected: Session, sandbox: Sandbox) -> None:
    process, linked = connected

    process.do("check", jid=linked.jid, limit=10)

    assert sandbox.client.state()["unhandled"] == []


def test_check_of_a_mute_connection_ends_when_we_say(connected: Session, sandbox: Sandbox) -> None:
    process, linked = connected
    sandbox.client.set_faults(OWN_NUMBER, mute=True)

    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(Refused) as refused:
            process.do("check", jid=linked.jid, limit=0.5)
        assert refused.value.slug == "no_answer"
        assert time.monotonic() - began < 5


def test_answer_that_comes_late_is_still_an_answer(connected: Session, sandbox: Sandbox) -> None:
    process, linked = connected
    sandbox.client.set_faults(OWN_NUMBER, mute=True)
    with pytest.raises(Refused):
        process.do("check", jid=linked.jid, limit=0.2)
    sandbox.client.set_faults(OWN_NUMBER, drop=True, mute=False)
    process.wait_event(Connected, count=2)

    process.do("check", jid=linked.jid, limit=15)


def test_check_does_not_wait_for_a_send_that_hangs(connected: Session, sandbox: Sandbox) -> None:
    process, linked = connected
    sandbox.client.set_faults(ack_messages=False)
    process.start_doing("send", jid=linked.jid, to=PEER, text="slow", secret="00" * 32)
    wait_for(
        lambda: [e for e in sandbox.client.log() if e["account"] == PEER_NUMBER], 20, "it is there"
    )

    assert process.do("check", jid=linked.jid, limit=10) < 5


def test_session_without_a_connection_says_so(connected: Session, sandbox: Sandbox) -> None:
    process, linked = connected
    sandbox.client.set_faults(refuse_connections=True)
    sandbox.client.set_faults(number=OWN_NUMBER, drop=True)
    process.wait_event(Disconnected)

    with pytest.raises(Refused) as refused:
        process.do("check", jid=linked.jid, limit=10)

    assert refused.value.slug == "not_connected"


def test_session_whose_events_are_not_taken_is_dead(connected: Session, sandbox: Sandbox) -> None:
    process, linked = connected
    process.do("hold_events", jid=linked.jid)
    sandbox.client.send(PEER_NUMBER, OWN_NUMBER, "hello")

    def is_found_dead() -> bool:
        try:
            process.do("check", jid=linked.jid, limit=0.5)
        except Refused as refused:
            return refused.slug == "no_answer"
        return False

    wait_for(is_found_dead, 20, "the check finds it dead")


def test_every_call_we_make_survives_a_session_that_was_just_closed(connected: Session) -> None:
    """The gate can be passed a moment too early; the calls that end the process are not made."""
    process, linked = connected
    process.do("close", jid=linked.jid)
    with pytest.raises(Refused) as refused:
        process.do("check", jid=linked.jid, limit=1)
    assert refused.value.slug == "not_connected"

    # connect makes the session, under the lock
    methods = sorted(calls_of_the_engine() - READ_THE_STORE - {"connect"})
    answers = {one: process.do("call_closed", jid=linked.jid, method=one) for one in methods}

    others = {one: said for one, said in answers.items() if "client is nil" not in said}
    assert others == {
        "stop": "answered",  # which may be asked twice
        "reject_call": "the store doesn't contain a device JID",
    }
    assert process.is_running()


def test_login_refused_before_the_engine_listens_ends_the_link(
    link: Callable[..., Link], start_process: Callable[[], EngineProcess], sandbox: Sandbox
) -> None:
    """An event may win the race; what it must never do is to wait for ever."""
    for number in (OWN_NUMBER, "15550001001", "15550001002"):
        linked, process = link(number), start_process()
        sandbox.client.set_faults(number, login_failure=401, refusal_delay_ms=0)
        process.do("open", **linked.opening)
        try:
            process.do("start", jid=linked.jid, seconds=30)
        except Refused as refused:
            assert refused.slug == "link_ended"
        with pytest.raises(Refused) as refused:
            process.do("open", **linked.opening)
        assert refused.value.slug == "link_ended"
