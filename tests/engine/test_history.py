"""The past that a phone tells a new companion: the sandbox writes it, the engine reads it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from app.engine.address import Address
from app.engine.events import HistoryReceived, MessageReceived, PushNames, Text
from app.sandbox.past import FIRST
from app.sandbox.testing import Sandbox
from app.sandbox.world import lid_of
from tests.engine.conftest import OWN_NUMBER, PEER, PEER_NUMBER, Link
from tests.engine.driver import EngineProcess
from tests.waiting import wait_for

START = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
STRANGER = "15550009000"


def texts(count: int, **more: object) -> list[dict[str, object]]:
    return [
        {"text": f"Слово {number}", "at": (START + timedelta(minutes=number)).isoformat(), **more}
        for number in range(count)
    ]


def told(process: EngineProcess, chat: Address) -> list[MessageReceived]:
    """The messages of a chat over all pieces, as they came."""
    parts = [part for event in process.events(HistoryReceived) for part in event.chats]
    return [message for part in parts if part.chat == chat for message in part.messages]


def test_past_is_told_in_pieces_newest_first(
    sandbox: Sandbox, link: Callable[..., Link], start_process: Callable[[], EngineProcess]
) -> None:
    sandbox.client.add_account(OWN_NUMBER, "Owner")
    group = sandbox.client.create_group(OWN_NUMBER, "Семья", [PEER_NUMBER])
    ids = sandbox.client.remember(
        OWN_NUMBER,
        [
            {"with": PEER_NUMBER, "unread": 2, "messages": texts(FIRST + 3)},
            {"with": STRANGER, "name": "Незнакомец", "messages": texts(1, from_me=True)},
            {"with": group, "messages": texts(1, **{"from": PEER_NUMBER})},
        ],
    )
    linked = link()

    process = start_process()
    process.do("open", **linked.opening)
    process.do("start", jid=linked.jid)
    names = process.wait_event(PushNames)

    first, second = process.events(HistoryReceived)
    peer, stranger, family = first.chats
    anna = Address(str(lid_of(PEER_NUMBER)), PEER)
    assert [len(part.messages) for part in first.chats] == [FIRST, 1, 1]
    assert [len(part.messages) for part in second.chats] == [3]
    assert [one.id for one in told(process, peer.chat)] == list(reversed(ids[0]))
    assert (peer.chat, peer.unread) == (anna, 2)
    oldest = told(process, peer.chat)[-1]
    assert (oldest.content, oldest.timestamp, oldest.from_me) == (Text("Слово 0"), START, False)
    assert (stranger.name, stranger.messages[0].from_me) == ("Незнакомец", True)
    assert (family.chat.other, family.messages[0].sender) == (group, anna)
    assert names.names == ((Address(phone=PEER), "Peer"),)


def test_files_of_the_past_are_gone_once_they_are_read(
    sandbox: Sandbox, link: Callable[..., Link], start_process: Callable[[], EngineProcess]
) -> None:
    sandbox.client.add_account(OWN_NUMBER, "Owner")
    sandbox.client.remember(OWN_NUMBER, [{"with": PEER_NUMBER, "messages": texts(1)}])
    linked, process = link(), start_process()

    process.do("open", **linked.opening)
    process.do("start", jid=linked.jid)
    process.wait_event(PushNames)

    wait_for(lambda: not list((sandbox.folder / "media").iterdir()), what="the engine dropped them")
