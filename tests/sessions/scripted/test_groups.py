"""Groups are asked about sparingly, and wishes about them are done once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from app.core.groups import MEMBER, OWNER, GroupFacts, GroupMember, WishedAct
from app.core.states import InstanceState
from app.engine.address import Address
from app.engine.errors import EngineError
from app.engine.events import MessageReceived, Text
from app.extensions import db
from app.models import Chat, GroupWish, Instance
from app.services import group_wishes
from app.sessions.host import SessionHost
from app.transaction import transaction
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import PATIENCE, Look
from tests.waiting import wait_for

NewHost = Callable[[], SessionHost]
ANNA = GroupMember("79161110000", "901", OWNER)


def facts(group_id: str, name: str, *members: GroupMember) -> GroupFacts:
    return GroupFacts(group_id, name, "", False, None, (ANNA, *members))


def ours(look: Look) -> GroupMember:
    with look.app.app_context():
        account = db.session.get_one(Instance, look.id).account
        assert account is not None
        return GroupMember(account.phone, account.lid, OWNER)


def known(look: Look) -> dict[str, str | None]:
    """The groups that WhatsApp was asked about, with our role."""
    with look.app.app_context():
        rows = db.session.scalars(select(Chat).where(Chat.group_known_at.is_not(None)))
        return {row.name: row.our_role for row in rows}


def written(group_id: str, text: str) -> MessageReceived:
    return MessageReceived(
        id=f"3EB0{text}",
        chat=Address(other=f"{group_id}@g.us"),
        sender=Address(phone="79161110000@s.whatsapp.net"),
        from_me=False,
        is_group=True,
        timestamp=datetime.now(UTC),
        push_name="Anna",
        content=Text(text),
    )


@pytest.fixture
def wished(look: Look) -> Callable[..., GroupWish]:
    """Wishes something, and waits for what becomes of it."""

    def ask(verb: Callable[..., GroupWish], *args: object) -> GroupWish:
        with look.app.app_context(), transaction() as session:
            instance = session.get_one(Instance, look.id)
            instance.state = InstanceState.CONNECTED
            given = (session.merge(one) if isinstance(one, Chat) else one for one in args)
            wish_id = verb(instance, *given).id

        def answered() -> bool:
            with look.app.app_context():
                return db.session.get_one(GroupWish, wish_id).answered_at is not None

        wait_for(answered, PATIENCE, "the wish is answered")
        with look.app.app_context():
            wish = db.session.get_one(GroupWish, wish_id)
            db.session.expunge(wish)
            return wish

    return ask


def chat_of(look: Look, name: str) -> Chat:
    with look.app.app_context():
        chat = db.session.scalars(select(Chat).where(Chat.name == name)).one()
        db.session.expunge(chat)
        return chat


def test_all_groups_are_asked_for_once_a_connection_stands(
    new_host: NewHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.groups = [facts("120", "Ours", ours(look)), facts("121", "Seen", ours(look))]
    look.open_on(new_host())
    wait_for(lambda: len(known(look)) == 2, PATIENCE, "both are known")
    assert known(look) == {"Ours": OWNER, "Seen": OWNER}


def test_a_message_in_an_unknown_group_asks_about_that_group_alone(
    new_host: NewHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.groups = [facts("120", "First", ours(look))]
    look.open_on(new_host())
    wait_for(lambda: known(look), PATIENCE)
    engine.groups = [facts("120", "Renamed"), facts("130", "New", ours(look))]
    engine.tell(written("130", "hello"))
    wait_for(lambda: "New" in known(look), PATIENCE, "the new one is known")
    assert known(look) == {"First": OWNER, "New": OWNER}


def test_a_group_one_is_not_in_is_remembered_as_such(
    new_host: NewHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.groups = [facts("120", "First", ours(look))]
    look.open_on(new_host())
    wait_for(lambda: known(look), PATIENCE)
    engine.group_errors = [EngineError("not_in_group")]
    engine.tell(written("140", "from the past"))
    wait_for(lambda: len(known(look)) == 2, PATIENCE)
    assert known(look)[""] is None


def test_a_wish_is_handed_to_the_engine_and_answered(
    new_host: NewHost, look: Look, engine: ScriptedEngine, wished: Callable[..., GroupWish]
) -> None:
    engine.groups = [facts("120", "Ours", ours(look), GroupMember("79162220000", "902", MEMBER))]
    look.open_on(new_host())
    wait_for(lambda: known(look), PATIENCE)
    chat = chat_of(look, "Ours")
    wished(group_wishes.change_member, chat, WishedAct.PROMOTE, "79162220000")
    link = wished(group_wishes.simple, chat, WishedAct.LINK)
    assert engine.group_acts == [("promote", "120@g.us", "902@lid"), ("link", "120@g.us")]
    assert (link.failure, link.result) == (None, {"link": "https://chat.whatsapp.com/old"})


@pytest.mark.parametrize("slug", ["not_allowed", "not_in_group", "engine_error"])
def test_what_whatsapp_refuses_is_answered_with_why_and_not_tried_again(
    new_host: NewHost,
    look: Look,
    engine: ScriptedEngine,
    wished: Callable[..., GroupWish],
    slug: str,
) -> None:
    engine.groups = [facts("120", "Ours", ours(look))]
    look.open_on(new_host())
    wait_for(lambda: known(look), PATIENCE)
    engine.group_errors = [EngineError(slug)]
    assert wished(group_wishes.rename, chat_of(look, "Ours"), "Mine").failure == slug
    assert engine.group_acts == []
