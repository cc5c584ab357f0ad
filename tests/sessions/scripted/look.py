"""What the tests on the scripted engine share: a look at one instance, and things to hear."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from app.core.details import Poll
from app.core.states import InstanceState, MessageStatus
from app.engine.address import Address
from app.engine.events import (
    MessageReceived,
    ReceiptKind,
    ReceiptReceived,
    Text,
)
from app.engine.raw import RawEvent
from app.extensions import db
from app.models import Chat, Instance, Lease, Message
from app.services import activity, messaging
from app.services.timing import AT_ONCE, Timing
from app.sessions import spool
from app.sessions.host import SessionHost
from app.sessions.reconcile import reconcile
from app.transaction import transaction
from app.ui import words
from tests.waiting import wait_for

PEER = Address.of("90001@lid", "15552000001@s.whatsapp.net")
PATIENCE = 30.0


class Look:
    """Short ways to look at one instance and to act as its owner."""

    def __init__(self, app: Flask, instance_id: str) -> None:
        self.app = app
        self.id = instance_id

    @property
    def instance(self) -> Instance:
        with self.app.app_context():
            found = db.session.get_one(Instance, self.id)
            db.session.expunge_all()
            return found

    @property
    def messages(self) -> list[Message]:
        with self.app.app_context():
            query = select(Message).where(Message.instance_id == self.id).order_by(Message.id)
            found = list(db.session.scalars(query))
            db.session.expunge_all()
            return found

    @property
    def chats(self) -> list[Chat]:
        with self.app.app_context():
            found = list(db.session.scalars(select(Chat).where(Chat.instance_id == self.id)))
            db.session.expunge_all()
            return found

    @property
    def journal(self) -> list[str]:
        """The instance's journal in words, oldest first."""
        with self.app.test_request_context(headers={"Accept-Language": "en"}):
            lines = activity.latest(db.session.get_one(Instance, self.id), limit=100)
            return [words.journal_sentence(line) for line in reversed(lines)]

    def status(self, message_id: str) -> MessageStatus:
        with self.app.app_context():
            return MessageStatus(db.session.get_one(Message, message_id).status)

    def queue(self, text: str, to: str = "15552000001", timing: Timing = AT_ONCE) -> str:
        with self.app.app_context(), transaction() as session:
            instance = session.get_one(Instance, self.id)
            message = messaging.queue_text(
                instance, to=to, text=text, source="ui", country="RU", timing=timing
            )
            return message.id

    def ask(self, question: str, *options: str, to: str = "15552000001") -> str:
        """A poll that waits to be sent."""
        with self.app.app_context(), transaction() as session:
            instance = session.get_one(Instance, self.id)
            message = messaging.queue_details(
                instance, Poll(question, options, 1), to=to, source="ui", country="RU"
            )
            return message.id

    @property
    def account_lid(self) -> str:
        with self.app.app_context():
            account = db.session.get_one(Instance, self.id).account
            assert account is not None and account.lid is not None
            return account.lid

    def sending(self, text: str) -> str:
        """A message that was being sent when its session died."""
        message_id = self.queue(text)
        with self.app.app_context(), transaction() as session:
            messaging.claim(session.get_one(Message, message_id))
        return message_id

    def act(self, verb: Callable[..., object], *values: object) -> None:
        with self.app.app_context(), transaction() as session:
            verb(session.get_one(Instance, self.id), *values)

    def wait_state(self, state: InstanceState, reason: str | None = None) -> None:
        wanted = (state, reason)
        wait_for(
            lambda: (self.instance.state, self.instance.reason) == wanted, PATIENCE, str(wanted)
        )

    def wait_status(self, message_id: str, status: MessageStatus) -> None:
        wait_for(lambda: self.status(message_id) == status, PATIENCE, status)

    def epoch(self) -> int:
        with self.app.app_context():
            return db.session.get_one(Lease, self.id).epoch

    def open_on(self, host: SessionHost) -> None:
        """The clock offers the session to `host`, which opens it."""
        self.reconcile()
        host.open(self.id)

    def reconcile(self) -> None:
        with self.app.app_context():
            reconcile()


def incoming(text: str = "Hi", wa_id: str = "A1", **values: object) -> MessageReceived:
    fields: dict[str, object] = {
        "id": wa_id,
        "chat": PEER,
        "sender": PEER,
        "from_me": False,
        "is_group": False,
        "timestamp": datetime.now(UTC),
        "push_name": "Anna",
        "content": Text(text),
    }
    return MessageReceived(**(fields | values))  # type: ignore[arg-type]


def receipt(kind: ReceiptKind, *ids: str) -> ReceiptReceived:
    return ReceiptReceived(kind, ids, PEER, PEER, datetime.now(UTC))


def leave_spool(app: Flask, look: Look, *raws: RawEvent) -> Path:
    """What a host that died left behind."""
    folder = app.config["SETTINGS"].spool_dir
    path = spool.path_for(folder, str(look.instance.account_id), 0)
    left = spool.Spool(path)
    for raw in raws:
        left.append(raw.encode())
    left.close()
    return path
