"""Groups through an unmodified engine: found, made, changed, left, and talked in both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.sandbox.client import SandboxError
from app.sandbox.testing import Sandbox
from tests.sandbox.acts import (
    ALICE,
    ECHO,
    ECHO_JID,
    FRIEND,
    FRIEND_JID,
    StartEngine,
    link,
    received,
)
from tests.sandbox.engine import Engine, EngineError
from tests.waiting import wait_for

SLOW = "15551000011"


@pytest.fixture
def group(network: Sandbox, engine: Engine) -> str:
    """A group of a friend's, with the engine's account and another contact in it."""
    return network.client.create_group(FRIEND, "Курьеры", [ALICE, ECHO])


def _heard(engine: Engine, text: str, group: str) -> dict[str, Any]:
    """What the engine was told of this text in the group, once it was."""
    here = lambda: (m for m in engine.messages() if (m["text"], m["chat"]) == (text, group))  # noqa: E731
    return wait_for(lambda: next(here(), {}), 15)


def _arrived(network: Sandbox, number: str, text: str) -> dict[str, Any]:
    found = lambda: next((m for m in received(network, number) if m["text"] == text), {})  # noqa: E731
    return wait_for(found, 15)


def _members(network: Sandbox, group: str) -> dict[str, str]:
    found = next(one for one in network.client.groups() if one["jid"] == group)
    return dict(found["members"])


def test_a_member_writes_and_the_engine_reads(network: Sandbox, engine: Engine, group: str) -> None:
    network.client.send(FRIEND, group, "кто везёт на Ленина?")
    message = _heard(engine, "кто везёт на Ленина?", group)
    assert message["sender_alt"] == FRIEND_JID
    network.client.send(ECHO, group, "я")
    assert _heard(engine, "я", group)["sender_alt"] == ECHO_JID


def test_the_engine_writes_and_every_member_reads_it_once(
    network: Sandbox, engine: Engine, group: str
) -> None:
    texts = ["беру", "выехал", "на месте"]
    for text in texts:
        engine.do("send", to=group, text=text)
    for number in (FRIEND, ECHO):
        entry = _arrived(network, number, texts[-1])
        assert entry["to"] == group
        assert [m["text"] for m in received(network, number) if m["to"] == group] == texts
    own = [
        m["text"]
        for m in network.client.log()
        if m.get("account") == ALICE and m.get("to") == group
    ]
    assert own == texts, "the engine's own phone has them too"


def test_members_tell_that_they_got_and_read_it(
    network: Sandbox, engine: Engine, group: str
) -> None:
    sent = engine.do("send", to=group, text="адрес верный?")["id"]
    _arrived(network, FRIEND, "адрес верный?")
    network.client.read(FRIEND, ALICE, [sent])
    seen = lambda kind: {  # noqa: E731
        r["sender"] for r in engine.events("Receipt") if r["type"] == kind and sent in r["ids"]
    }
    wait_for(lambda: len(seen(1)) == 2, 15, "both have got it")
    wait_for(lambda: len(seen(4)) == 1, 15, "one has read it")
    assert next(r for r in engine.events("Receipt") if sent in r["ids"])["chat"] == group


def test_the_engine_reads_what_another_wrote(network: Sandbox, engine: Engine, group: str) -> None:
    sent = network.client.send(FRIEND, group, "видно?")
    message = _heard(engine, "видно?", group)
    engine.do("mark_read", chat=group, sender=message["sender"], ids=[sent])
    reads = lambda: [  # noqa: E731
        e
        for e in network.client.log()
        if e["kind"] == "receipt" and e["type"] == "read" and sent in e["ids"]
    ]
    assert wait_for(reads, 15)[0]["account"] == FRIEND


def test_a_member_that_cannot_read_asks_and_gets_it_again(
    network: Sandbox, engine: Engine, group: str
) -> None:
    network.client.set_faults(ALICE, garble_messages=True)
    network.client.send(FRIEND, group, "расслышали?")
    _heard(engine, "расслышали?", group)
    assert engine.events("Undecryptable")


def test_a_file_travels_in_a_group(
    network: Sandbox, engine: Engine, group: str, tmp_path: Path
) -> None:
    content = b"%PDF-1.4 route"
    sent = network.client.send_media(FRIEND, group, "document", content, file_name="route.pdf")
    got = wait_for(lambda: next((m for m in engine.messages() if m["id"] == sent), {}), 15)
    file = tmp_path / "got"
    engine.do("download", id=got["id"], into=str(file))
    assert file.read_bytes() == content


def test_the_engine_lists_its_groups(network: Sandbox, engine: Engine, group: str) -> None:
    network.client.create_group(FRIEND, "Без нас", [ECHO])
    listed = {one["jid"]: one for one in engine.do("group_list")}
    assert listed[group]["name"] == "Курьеры"
    assert listed[group]["people"] == {FRIEND: True, ALICE: False, ECHO: False}
    assert "Без нас" not in {one["name"] for one in listed.values()}
    assert engine.do("group_info", group=group) == listed[group]


def test_the_engine_is_told_of_changes(network: Sandbox, engine: Engine) -> None:
    before = len(engine.events("JoinedGroup"))
    group = network.client.create_group(FRIEND, "Смена", [ALICE])
    wait_for(lambda: len(engine.events("JoinedGroup")) > before, 15)
    network.client.rename_group(FRIEND, group, "Ночная смена")
    network.client.change_group(FRIEND, group, "add", [ECHO])
    network.client.change_group(FRIEND, group, "promote", [ECHO])
    network.client.leave_group(ECHO, group)

    def told() -> list[str]:
        here = f'"{group.partition("@")[0]}"'
        return [event["text"] for event in engine.events("GroupInfo") if here in event["text"]]

    wait_for(lambda: len(told()) == 4, 15)
    parts = ("Name {", "Join {", "Promote {", "Leave {")
    for text, part in zip(told(), parts, strict=True):
        assert part in text


def test_the_engine_makes_and_changes_a_group(network: Sandbox, engine: Engine) -> None:
    made = engine.do("group_create", name="Склад", people=[FRIEND_JID])
    group = made["jid"]
    assert _members(network, group) == {ALICE: "superadmin", FRIEND: ""}
    engine.do("group_rename", group=group, name="Склад №1")
    engine.do("group_add", group=group, people=[ECHO_JID, f"{SLOW}@s.whatsapp.net"])
    engine.do("group_promote", group=group, people=[ECHO_JID])
    engine.do("group_remove", group=group, people=[f"{SLOW}@s.whatsapp.net"])
    assert _members(network, group) == {ALICE: "superadmin", FRIEND: "", ECHO: "admin"}
    engine.do("group_demote", group=group, people=[ECHO_JID])
    assert _members(network, group)[ECHO] == ""
    assert engine.do("group_info", group=group)["name"] == "Склад №1"
    link = engine.do("group_link", group=group)
    assert link.endswith(next(g["invite"] for g in network.client.groups() if g["jid"] == group))
    engine.do("group_leave", group=group)
    assert ALICE not in _members(network, group)


def test_those_who_may_not_are_refused(network: Sandbox, engine: Engine, group: str) -> None:
    with pytest.raises(EngineError, match="403"):
        engine.do("group_rename", group=group, name="Моя")
    network.client.announce_group(FRIEND, group, on=True)
    with pytest.raises(EngineError):
        engine.do("send", to=group, text="тихо")
    network.client.change_group(FRIEND, group, "remove", [ALICE])
    with pytest.raises(EngineError, match=r"403|participating"):
        engine.do("group_info", group=group)
    with pytest.raises(SandboxError) as refused:
        network.client.send(ALICE, group, "ещё тут")
    assert refused.value.status == 404
    assert not [m for m in received(network, FRIEND) if m["text"] in ("тихо", "ещё тут")]


def test_groups_are_there_after_a_restart(sandbox: Sandbox, start_engine: StartEngine) -> None:
    engine = link(sandbox, start_engine)
    group = sandbox.client.create_group(FRIEND, "Курьеры", [ALICE])
    sandbox.client.send(FRIEND, group, "до")
    _heard(engine, "до", group)
    sandbox.stop()
    sandbox.start()
    engine.wait_for("Connected", 2)
    sandbox.client.send(FRIEND, group, "после")
    _heard(engine, "после", group)
    engine.do("send", to=group, text="и мы")
    assert _arrived(sandbox, FRIEND, "и мы")["to"] == group
