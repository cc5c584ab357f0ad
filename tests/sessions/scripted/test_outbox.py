"""The queue of a session: in order, once, and honest about what may have gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from flask import Flask

from app.clock import utcnow
from app.core.phones import lid_jid
from app.core.states import InstanceState, MessageStatus
from app.engine.errors import EngineError, KeyStoreUnwritable, NotConnected
from app.engine.events import Amendment, Change, Connected, Disconnected, ReceiptKind
from app.engine.poll_votes import Asked, chosen_in, seal
from app.extensions import db
from app.models import Message
from app.services import amending, messaging
from app.sessions import spool
from app.sessions.host import SessionHost
from app.transaction import transaction
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import PATIENCE, PEER, Look, incoming, leave_spool, receipt
from tests.waiting import wait_for


def test_queue_is_sent_in_order(opened: SessionHost, look: Look, engine: ScriptedEngine) -> None:
    texts = [f"Text {number}" for number in range(5)]
    last = [look.queue(text) for text in texts][-1]

    look.wait_status(last, MessageStatus.SENT)
    assert engine.sent == texts


def test_disconnected_instance_keeps_its_queue(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.tell(Disconnected())
    look.wait_state(InstanceState.DISCONNECTED, "connection_lost")
    message_id = look.queue("Later")
    opened.look()

    assert look.status(message_id) == MessageStatus.QUEUED
    engine.tell(Connected())
    look.wait_status(message_id, MessageStatus.SENT)


@pytest.mark.parametrize("slug", ["not_on_whatsapp", "server_error_463", "bad_address"])
def test_refused_message_fails_and_the_next_one_goes(
    opened: SessionHost, look: Look, engine: ScriptedEngine, slug: str
) -> None:
    engine.send_errors = [EngineError(slug, permanent=True)]
    first, second = look.queue("Nobody"), look.queue("Somebody")

    look.wait_status(second, MessageStatus.SENT)
    assert [(one.status, one.failure) for one in look.messages if one.id == first] == [
        (MessageStatus.FAILED, slug)
    ]


def test_message_whose_id_could_not_be_written_down_is_never_sent_twice(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.send_errors = [EngineError("timed_out", may_have_left=True)]
    engine.find_errors = [KeyStoreUnwritable("disk full")]
    message_id = look.queue("Hello")

    look.wait_status(message_id, MessageStatus.UNCONFIRMED)
    assert engine.sent == []


def test_message_that_may_have_gone_is_unconfirmed_and_not_sent_again(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.send_errors = [EngineError("timed_out", may_have_left=True)]
    message_id = look.queue("Perhaps")
    (message,) = look.messages
    engine.ids_by_secret[bytes(message.secret or b"")] = "3EB0PERHAPS"
    look.wait_status(message_id, MessageStatus.UNCONFIRMED)

    engine.tell(receipt(ReceiptKind.DELIVERED, "3EB0PERHAPS"))

    look.wait_status(message_id, MessageStatus.DELIVERED)
    assert engine.sent == []


def test_message_that_never_left_is_sent_again(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.send_errors = [EngineError("connection_lost", may_have_left=True), NotConnected()]
    message_id = look.queue("Hello")

    look.wait_status(message_id, MessageStatus.SENT)
    assert engine.sent == ["Hello"]


def test_messages_under_way_in_a_crash_are_settled_by_the_key_store(
    look: Look, engine: ScriptedEngine, new_host: Callable[[], SessionHost]
) -> None:
    gone, kept = look.sending("Gone"), look.sending("Kept")
    secrets = {message.id: bytes(message.secret or b"") for message in look.messages}
    engine.ids_by_secret[secrets[gone]] = "3EB0GONE"
    look.open_on(new_host())

    look.wait_status(kept, MessageStatus.SENT)
    assert look.status(gone) == MessageStatus.UNCONFIRMED
    assert engine.sent == ["Kept"]


def test_receipt_that_is_quicker_than_the_answer_to_the_send_counts(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    def deliver_first(session: object, wa_id: str) -> None:
        engine.tell(receipt(ReceiptKind.DELIVERED, wa_id))
        engine.tell(incoming("After the receipt", "A9"))
        wait_for(lambda: len(look.messages) == 2, PATIENCE, "the receipt was worked on")

    engine.on_send = deliver_first
    message_id = look.queue("Hello")

    look.wait_status(message_id, MessageStatus.DELIVERED)


def test_reaction_that_is_quicker_than_the_answer_to_the_send_counts(
    opened: SessionHost, look: Look, engine: ScriptedEngine, app: Flask
) -> None:
    def react_first(session: object, wa_id: str) -> None:
        said = Amendment(Change.REACTION, wa_id, "👍")
        engine.tell(incoming(wa_id="A8", content=said))
        engine.tell(incoming("After the reaction", "A9"))
        wait_for(lambda: len(look.messages) == 2, PATIENCE, "the reaction was worked on")

    engine.on_send = react_first
    message_id = look.queue("Hello")

    def reactions() -> list[str]:
        with app.app_context():
            return [one.emoji for one in db.session.get_one(Message, message_id).reactions]

    wait_for(lambda: reactions() == ["👍"], PATIENCE, "it is on the message")


def test_vote_that_is_quicker_than_the_answer_to_the_send_of_its_poll_counts(
    opened: SessionHost, look: Look, engine: ScriptedEngine, app: Flask
) -> None:
    def vote_first(session: object, wa_id: str) -> None:
        (poll,) = look.messages
        lid = lid_jid(look.account_lid)
        asked = Asked(wa_id, [lid], bytes(poll.secret or b""), ["Today", "Tomorrow"])
        vote = seal(asked, str(PEER.lid), ["Tomorrow"], utcnow())
        engine.tell(incoming(wa_id="A8", content=Amendment(Change.VOTE, wa_id, vote=vote)))
        engine.tell(incoming("After the vote", "A9"))
        wait_for(lambda: len(look.messages) == 2, PATIENCE, "the vote was worked on")

    engine.on_send = vote_first
    poll_id = look.ask("When?", "Today", "Tomorrow")

    def votes() -> list[list[str]]:
        with app.app_context():
            return [one.chosen for one in db.session.get_one(Message, poll_id).poll_votes]

    wait_for(lambda: votes() == [["Tomorrow"]], PATIENCE, "it is in the poll")


def test_of_two_votes_of_ours_in_one_poll_the_last_one_counts(
    opened: SessionHost, look: Look, engine: ScriptedEngine, app: Flask
) -> None:
    poll_id = look.ask("When?", "Today", "Tomorrow")
    look.wait_status(poll_id, MessageStatus.SENT)
    for option in ("Today", "Tomorrow"):
        with app.app_context(), transaction() as session:
            poll = session.get_one(Message, poll_id)
            vote_id = amending.vote(poll, [option], source="api").id
    look.wait_status(vote_id, MessageStatus.SENT)

    with app.app_context():
        poll = db.session.get_one(Message, poll_id)
        assert [(one.chosen, one.from_me) for one in poll.poll_votes] == [(["Tomorrow"], True)]
        lid = lid_jid(look.account_lid)
        asked = Asked(str(poll.wa_id), [lid], bytes(poll.secret or b""), ["Today", "Tomorrow"])
    first, second = engine.votes
    assert [chosen_in(one, asked, [lid]) for one in engine.votes] == [["Today"], ["Tomorrow"]]
    assert first.at and second.at and first.at < second.at, "WhatsApp tells them apart"


def test_receipt_of_a_send_that_was_never_answered_survives_a_crash(
    look: Look,
    engine: ScriptedEngine,
    app: Flask,
    new_host: Callable[[], SessionHost],
) -> None:
    message_id = look.sending("Hello")
    (message,) = look.messages
    engine.ids_by_secret[bytes(message.secret or b"")] = "3EB0KNOWN"
    leave_spool(app, look, engine.raw_of(receipt(ReceiptKind.READ, "3EB0KNOWN")))
    look.open_on(new_host())

    look.wait_status(message_id, MessageStatus.READ)


def test_two_drains_never_send_one_message(look: Look, app: Flask) -> None:
    message_id = look.queue("Once")
    won: list[bool] = []

    def claim() -> None:
        with app.app_context(), transaction() as session:
            won.append(messaging.claim(session.get_one(Message, message_id)))

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(won) == [False, False, False, True]


def test_receipt_that_no_row_has_yet_stays_in_the_spool(
    opened: SessionHost, look: Look, engine: ScriptedEngine, app: Flask
) -> None:
    """A crash right then would lose it otherwise."""
    settings = app.config["SETTINGS"]
    path = spool.path_for(settings.spool_dir, str(look.instance.account_id), look.epoch())
    kept: list[int] = []

    def deliver_first(session: object, wa_id: str) -> None:
        engine.tell(receipt(ReceiptKind.DELIVERED, wa_id))
        engine.tell(incoming("After the receipt", "A9"))
        wait_for(lambda: len(look.messages) == 2, PATIENCE, "the receipt was worked on")
        time.sleep(0.1)  # nothing is to happen to the spool now
        kept.append(path.stat().st_size)

    engine.on_send = deliver_first
    look.wait_status(look.queue("Hello"), MessageStatus.DELIVERED)
    assert kept[0] > 0
    engine.tell(incoming("Later", "A10"))
    wait_for(lambda: path.stat().st_size == 0, PATIENCE, "the spool is emptied")
