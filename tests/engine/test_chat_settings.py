"""The real engine about how chats are kept: what it tells the phone, and hears of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.chat_settings import ALWAYS
from app.engine.events import Connected
from app.sandbox.testing import Sandbox
from tests.engine.conftest import OWN_NUMBER, PEER
from tests.engine.test_session import Session
from tests.waiting import wait_for


def keeps(sandbox: Sandbox) -> dict[str, Any]:
    """How the phone keeps the chat."""
    return sandbox.client.kept(OWN_NUMBER).get(PEER, {})


def known(session: Session) -> dict[str, Any]:
    """What the engine knows of the chat."""
    process, linked = session
    found = process.do("keeping", jid=linked.jid, method="known")
    return next((one for one in found if one["jid"] == PEER), {})


def tell(session: Session, aspect: str, on: bool, **more: Any) -> None:
    process, linked = session
    process.do("keeping", jid=linked.jid, method="tell", chat=PEER, aspect=aspect, on=on, **more)


def test_the_phone_keeps_a_chat_as_it_is_told(session: Session, sandbox: Sandbox) -> None:
    process, _ = session
    process.wait_event(Connected)
    wait_for(lambda: sandbox.client.account(OWN_NUMBER)["devices"][0]["pending"] == 0, 20)
    tell(session, "pinned", True)
    tell(session, "archived", True, last={"id": "A1", "from_me": True, "at": time.time()})
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=8)
    tell(session, "muted", True, until=until.timestamp())
    tell(session, "unread", True)
    muted = int(until.timestamp()) * 1000
    whole = {"archived": True, "pinned": False, "muted_until": muted, "unread": True}
    assert keeps(sandbox) == whole
    told = [one for one in sandbox.client.log() if one["kind"] == "kept" and one.get("last")]
    assert [one["last"] for one in told] == [{"id": "A1", "from_me": True, "chat": PEER}]
    assert known(session) == {
        "jid": PEER,
        "archived": True,
        "pinned": False,
        "muted_until": until.timestamp(),
    }
    for aspect in ("archived", "muted", "unread"):
        tell(session, aspect, False)
    assert not any(keeps(sandbox).values())
    tell(session, "muted", True)
    assert (keeps(sandbox)["muted_until"], known(session)["muted_until"]) == (
        -1,
        ALWAYS.timestamp(),
    )
    assert sandbox.client.state()["unhandled"] == []


def test_what_the_phone_changes_is_known_and_changes_the_stamp(
    session: Session, sandbox: Sandbox
) -> None:
    process, linked = session
    process.wait_event(Connected)
    before = process.do("keeping", jid=linked.jid, method="stamp")
    sandbox.client.keep(OWN_NUMBER, PEER.partition("@")[0], archived=True, muted_until=-1)
    wait_for(lambda: known(session).get("archived"), 20, "the phone's change is known")
    wait_for(lambda: known(session)["muted_until"] == ALWAYS.timestamp(), 20)
    assert process.do("keeping", jid=linked.jid, method="stamp") != before
    tell(session, "archived", False)  # on top of the phone's own patch
    assert keeps(sandbox)["archived"] is False
