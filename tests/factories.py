"""Rows for tests: each function adds one with sensible values, any of which can be overridden.

Call them inside an application context; each commits what it made.
"""

from __future__ import annotations

import itertools
from typing import Any, TypeVar

from argon2 import PasswordHasher

from app.clock import utcnow
from app.core.ids import new_id
from app.core.states import DesiredState, InstanceState, MessageStatus
from app.models import Chat, Endpoint, Host, Instance, LinkedAccount, Message, User
from app.models.base import Base
from app.models.message import INCOMING
from app.models.user import USER
from app.transaction import transaction

PASSWORD = "correct horse battery staple"
_PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
Row = TypeVar("Row", bound=Base)
_numbers = itertools.count(1)
Row = TypeVar("Row", bound=Base)


def user(**overrides: Any) -> User:
    """A person who signs in with PASSWORD."""
    return _add(
        User,
        "usr",
        {
            "email": f"person{next(_numbers)}@example.com",
            "name": "Person",
            "password_hash": _PASSWORD_HASH,
            "role": USER,
            "created_at": utcnow(),
            "session_stamp": "stamp",
        },
        overrides,
    )


def instance(owner: User, **overrides: Any) -> Instance:
    """An instance of `owner`, never linked."""
    return _add(
        Instance,
        "ins",
        {
            "owner_id": owner.id,
            "name": f"Shop {next(_numbers)}",
            "created_at": utcnow(),
            "state": InstanceState.CREATED,
            "state_changed_at": utcnow(),
            "desired": DesiredState.STOPPED,
        },
        overrides,
    )


def linked_account(instance: Instance, **overrides: Any) -> LinkedAccount:
    """A WhatsApp account linked to `instance`, and the current one of it."""
    number = next(_numbers)
    account = _add(
        LinkedAccount,
        "acc",
        {
            "instance_id": instance.id,
            "phone": f"1555100{number:04}",
            "lid": f"9000{number:08}",
            "device": 1,
            "key_store": f"{instance.id}.db",
            "linked_at": utcnow(),
        },
        overrides,
    )
    with transaction() as session:
        session.get_one(Instance, instance.id).account_id = account.id
    session.refresh(account)
    return account


def chat(account: LinkedAccount, **overrides: Any) -> Chat:
    """A conversation of `account` with one person."""
    number = next(_numbers)
    return _add(
        Chat,
        "cht",
        {
            "instance_id": account.instance_id,
            "account_id": account.id,
            "lid": f"8000{number:08}",
            "phone": f"1555200{number:04}",
            "name": "Contact",
            "last_at": utcnow(),
            "created_at": utcnow(),
        },
        overrides,
    )


def message(chat: Chat, **overrides: Any) -> Message:
    """A text received in `chat`."""
    return _add(
        Message,
        "msg",
        {
            "instance_id": chat.instance_id,
            "account_id": chat.account_id,
            "chat_id": chat.id,
            "direction": INCOMING,
            "body": "Hello",
            "status": MessageStatus.RECEIVED,
            "wa_id": f"3EB0{next(_numbers):016X}",
            "created_at": utcnow(),
            "shown_at": utcnow(),
        },
        overrides,
    )


def endpoint(instance: Instance, **overrides: Any) -> Endpoint:
    """A webhook endpoint of `instance` that is told of received messages."""
    return _add(
        Endpoint,
        "whe",
        {
            "instance_id": instance.id,
            "url": "http://127.0.0.1:9/hook",
            "events": ["message_received"],
            "secret": "shared secret",
            "created_at": utcnow(),
        },
        overrides,
    )


def host(**overrides: Any) -> Host:
    """A session host that was seen just now."""
    return _add(
        Host,
        "hst",
        {"name": "machine:1", "capacity": 50, "started_at": utcnow(), "seen_at": utcnow()},
        overrides,
    )


def _add(kind: type[Row], prefix: str, values: dict[str, Any], overrides: dict[str, Any]) -> Row:
    """A committed row that stays readable after its session is gone."""
    row = kind(**{"id": new_id(prefix, utcnow()), **values, **overrides})
    with transaction() as session:
        session.expire_on_commit = False
        session.add(row)
        session.flush()
        session.refresh(row)
    session.expire_on_commit = True
    return row
