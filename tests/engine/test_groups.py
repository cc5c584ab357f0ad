"""The real engine's groups: listed, made, changed, left, and what it tells of changes by others."""

from __future__ import annotations

import pytest

from app.core.groups import ADMIN, MEMBER, OWNER
from app.engine.events import Connected, GroupChanged, GroupJoined, MessageReceived
from app.sandbox.testing import Sandbox
from tests.engine.conftest import OWN_NUMBER, PEER, PEER_NUMBER, messages_at
from tests.engine.driver import Refused
from tests.engine.test_session import Session, new_secret
from tests.waiting import wait_for

THIRD_NUMBER = "15551000010"
THIRD = f"{THIRD_NUMBER}@s.whatsapp.net"


def _roles(facts: dict) -> dict[str, str]:
    return {one["phone"]: one["role"] for one in facts["members"]}


def test_groups_are_listed_with_their_members(session: Session, sandbox: Sandbox):
    process, linked = session
    process.wait_event(Connected)
    group = sandbox.client.create_group(PEER_NUMBER, "Склад", [OWN_NUMBER, THIRD_NUMBER])
    sandbox.client.change_group(PEER_NUMBER, group, "promote", [OWN_NUMBER])
    (found,) = process.do("groups", jid=linked.jid, method="all")
    assert (f"{found['id']}@g.us", found["name"]) == (group, "Склад")
    assert _roles(found) == {PEER_NUMBER: OWNER, OWN_NUMBER: ADMIN, THIRD_NUMBER: MEMBER}
    assert all(one["lid"] for one in found["members"])
    assert process.do("groups", jid=linked.jid, method="one", group=group) == found


def test_a_group_is_made_changed_and_left(session: Session, sandbox: Sandbox):
    process, linked = session
    process.wait_event(Connected)

    def do(method: str, **arguments: object) -> object:
        return process.do("groups", jid=linked.jid, method=method, **arguments)

    made = do("create", name="Смена", people=[PEER])
    group = f"{made['id']}@g.us"
    assert _roles(made) == {OWN_NUMBER: OWNER, PEER_NUMBER: MEMBER}
    (added,) = do("change", group=group, act="add", people=[THIRD])
    assert (added["phone"], added["refused"]) == (THIRD_NUMBER, False)
    do("change", group=group, act="promote", people=[PEER])
    do("rename", group=group, name="Ночная смена")
    facts = do("one", group=group)
    assert (facts["name"], _roles(facts)[PEER_NUMBER]) == ("Ночная смена", ADMIN)
    do("change", group=group, act="demote", people=[PEER])
    do("change", group=group, act="remove", people=[THIRD])
    assert _roles(do("one", group=group)) == {OWN_NUMBER: OWNER, PEER_NUMBER: MEMBER}
    link = do("link", group=group)
    assert str(link).startswith("https://chat.whatsapp.com/")
    assert do("link", group=group) == link
    assert do("link", group=group, renew=True) != link
    do("leave", group=group)
    with pytest.raises(Refused) as refused:
        do("one", group=group)
    assert refused.value.slug == "not_in_group"


def test_what_only_admins_may_is_refused(session: Session, sandbox: Sandbox):
    process, linked = session
    process.wait_event(Connected)
    group = sandbox.client.create_group(PEER_NUMBER, "Чужая", [OWN_NUMBER])
    for method, arguments in (("rename", {"name": "Моя"}), ("link", {})):
        with pytest.raises(Refused) as refused:
            process.do("groups", jid=linked.jid, method=method, group=group, **arguments)
        assert refused.value.slug == "not_allowed"


def test_a_message_to_a_group_one_is_not_in_will_never_go(session: Session, sandbox: Sandbox):
    process, linked = session
    process.wait_event(Connected)
    group = sandbox.client.create_group(PEER_NUMBER, "Без нас", [THIRD_NUMBER])
    with pytest.raises(Refused) as refused:
        process.do("send", jid=linked.jid, to=group, text="эй", secret=new_secret())
    assert (refused.value.slug, refused.value.permanent) == ("not_in_group", True)


def test_texts_go_both_ways_in_a_group(session: Session, sandbox: Sandbox):
    process, linked = session
    process.wait_event(Connected)
    group = sandbox.client.create_group(PEER_NUMBER, "Склад", [OWN_NUMBER])
    sandbox.client.send(PEER_NUMBER, group, "есть кто?")
    heard = process.wait_event(MessageReceived)
    assert (heard.chat.jid, heard.is_group, heard.sender.number) == (group, True, PEER_NUMBER)
    process.do("send", jid=linked.jid, to=group, text="есть", secret=new_secret())
    wait_for(lambda: messages_at(sandbox), 10)
    assert [(m["to"], m["text"]) for m in messages_at(sandbox)] == [(group, "есть")]


def test_changes_by_others_are_told(session: Session, sandbox: Sandbox):
    process, _ = session
    process.wait_event(Connected)
    client = sandbox.client
    group = client.create_group(PEER_NUMBER, "Смена", [OWN_NUMBER])
    joined = process.wait_event(GroupJoined).facts
    assert (f"{joined.id}@g.us", joined.name, len(joined.members)) == (group, "Смена", 2)
    client.rename_group(PEER_NUMBER, group, "Ночь")
    client.change_group(PEER_NUMBER, group, "add", [THIRD_NUMBER])
    client.change_group(PEER_NUMBER, group, "promote", [THIRD_NUMBER])
    client.change_group(PEER_NUMBER, group, "demote", [THIRD_NUMBER])
    client.announce_group(PEER_NUMBER, group, on=True)
    client.leave_group(THIRD_NUMBER, group)
    process.wait_event(GroupChanged, count=6)
    renamed, added, promoted, demoted, announced, left = process.events(GroupChanged)
    third, peer = (client.account(one)["lid"] for one in (THIRD_NUMBER, PEER_NUMBER))
    assert {one.group.jid for one in process.events(GroupChanged)} == {group}
    assert (renamed.name, renamed.by.lid) == ("Ночь", peer)
    assert [[p.lid for p in change] for change in (added.joined, promoted.promoted)] == [
        [third]
    ] * 2
    assert [p.lid for p in demoted.demoted] == [third]
    assert announced.only_admins_write is True
    assert ([p.lid for p in left.left], left.by.lid) == ([third], third)
