"""Messages that a session sends later, not at all any more, or not while its queue is paused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from app import bell
from app.clock import utcnow
from app.core.states import InstanceState, MessageStatus
from app.engine.events import Connected, Disconnected
from app.extensions import db
from app.models import Instance, Message, User
from app.services import queue
from app.services.timing import Timing
from app.sessions.host import SessionHost
from app.transaction import transaction
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import Look

OTHER = "15552000002"


def in_seconds(seconds: float) -> Timing:
    return Timing(send_at=utcnow() + timedelta(seconds=seconds))


def end_time_of(look: Look, message_id: str) -> None:
    """As if its time to live were over."""
    with look.app.app_context(), transaction() as session:
        session.get_one(Message, message_id).expires_at = utcnow()


def let_an_hour_pass(look: Look, message_id: str) -> None:
    """For this message alone; the host looks for what is due now and then."""
    with look.app.app_context(), transaction() as session:
        message = session.get_one(Message, message_id)
        message.send_at = message.due_at = utcnow()
        bell.wake(message.instance_id)


def pause(instance: Instance) -> None:
    queue.pause(instance, actor=db.session.get_one(User, instance.owner_id))


def resume(instance: Instance) -> None:
    queue.resume(instance, actor=db.session.get_one(User, instance.owner_id))


def test_message_for_later_goes_out_when_it_is_due_and_holds_nobody_up(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    later = look.queue("Later", timing=in_seconds(3600))
    now, other = look.queue("Now"), look.queue("Other", OTHER)
    look.wait_status(now, MessageStatus.SENT)
    look.wait_status(other, MessageStatus.SENT)
    assert look.status(later) == MessageStatus.QUEUED

    let_an_hour_pass(look, later)
    look.wait_status(later, MessageStatus.SENT)
    assert engine.sent == ["Now", "Other", "Later"]


def test_messages_for_later_go_out_in_their_order_from_another_host(
    opened: SessionHost,
    look: Look,
    engine: ScriptedEngine,
    new_host: Callable[[], SessionHost],
) -> None:
    last = look.queue("Second", timing=in_seconds(4))
    first = look.queue("First", timing=in_seconds(3))
    opened.end()
    assert engine.sent == []

    look.open_on(new_host())
    look.wait_status(last, MessageStatus.SENT)
    assert look.status(first) == MessageStatus.SENT
    assert engine.sent == ["First", "Second"]


def test_message_whose_time_is_over_is_never_sent_and_the_next_one_is(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.tell(Disconnected())
    look.wait_state(InstanceState.DISCONNECTED, "connection_lost")
    stale = look.queue("Stale", timing=Timing(ttl=60))
    fresh = look.queue("Fresh", timing=Timing(ttl=3600))
    end_time_of(look, stale)

    engine.tell(Connected())
    look.wait_status(fresh, MessageStatus.SENT)
    look.wait_status(stale, MessageStatus.EXPIRED)
    assert engine.sent == ["Fresh"]


def test_paused_queue_holds_and_goes_on_in_order(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    look.act(pause)
    texts = ["One", "Two", "Three"]
    ids = [look.queue(text) for text in texts]
    opened.look()
    assert [look.status(one) for one in ids] == [MessageStatus.QUEUED] * 3
    assert engine.sent == []

    look.act(resume)
    look.wait_status(ids[-1], MessageStatus.SENT)
    assert engine.sent == texts
