"""Rows for tests: each function adds one with sensible values, any of which can be overridden.

Call them inside an application context; each commits what it made.
"""

from __future__ import annotations

import itertools
from typing import Any, TypeVar

from argon2 import PasswordHasher

from app.clock import utcnow
from app.config import current_settings
from app.core.ids import new_id, next_id
from app.core.media import MediaKind, MediaState
from app.core.notices import NoticeKind
from app.core.sniffing import mime_of
from app.core.states import DesiredState, InstanceState, MessageStatus
from app.models import (
    Call,
    Chat,
    Contact,
    ContactImport,
    ContactTask,
    Delivery,
    Endpoint,
    Host,
    Instance,
    LinkedAccount,
    Media,
    Message,
    Notice,
    User,
    WhatsAppContact,
)
from app.models.base import Base
from app.models.call import Fate
from app.models.message import INCOMING
from app.models.user import USER
from app.storage import storage_of
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
            "risks_understood_at": utcnow(),
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
            "last_kind": "text" if overrides.get("last_text") else None,
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


def contact(instance: Instance, **overrides: Any) -> Contact:
    """A contact that is kept in the database of `instance`."""
    now, number = utcnow(), next(_numbers)
    values = {
        "instance_id": instance.id,
        "phone": f"1555300{number:04}",
        "created_at": now,
        "updated_at": now,
    }
    return _add(Contact, "con", _listed(Contact, values | overrides), {})


def whatsapp_contact(account: LinkedAccount, **overrides: Any) -> WhatsAppContact:
    """Somebody whom the WhatsApp of `account` knows."""
    values = {
        "account_id": account.id,
        "phone": f"1555400{next(_numbers):04}",
        "created_at": utcnow(),
    }
    return _add(WhatsAppContact, "wac", _listed(WhatsAppContact, values | overrides), {})


def contact_import(account: LinkedAccount, **overrides: Any) -> ContactImport:
    """An import that nobody works on."""
    now = utcnow()
    values = {"instance_id": account.instance_id, "account_id": account.id, "state": "copying"}
    return _add(ContactImport, "imp", {**values, "created_at": now, "touched_at": now}, overrides)


def contact_task(instance: Instance, **overrides: Any) -> ContactTask:
    """An act on many contacts of `instance`, which runs."""
    values = {"instance_id": instance.id, "act": "delete", "tag": "", "last": "con_z"}
    counts = {"total": 0, "seen": 0, "changed": 0, "cursor": "", "search": ""}
    times = {"created_at": utcnow(), "touched_at": utcnow(), "state": "running"}
    return _add(ContactTask, "tsk", values | counts | times, overrides)


def _listed(kind: type[Contact] | type[WhatsAppContact], values: dict[str, Any]) -> dict[str, Any]:
    """`values`, and what lists go by."""
    names = ("name", "book_name", "push_name", "business_name")
    sample = kind(**{name: "" for name in names if hasattr(kind, name)} | values)
    sample.index()
    return values | {"sort_key": sample.sort_key, "search": sample.search}


def media(message: Message, **overrides: Any) -> Media:
    """The file of `message`, still at WhatsApp; nobody fetches it."""
    return _add(
        Media,
        "med",
        {
            "instance_id": message.instance_id,
            "message_id": message.id,
            "kind": MediaKind.IMAGE,
            "state": MediaState.WAITING,
            "created_at": utcnow(),
        },
        overrides,
    )


def stored_media(message: Message, content: bytes, **overrides: Any) -> Media:
    """A file of `message` that is here, with these bytes."""
    with storage_of(current_settings()).draft() as draft:
        draft.write(content)
        values = {"size": draft.size, "sha256": draft.sha256, "mime": mime_of(content)}
        values |= {"storage_key": draft.keep(), "state": MediaState.STORED}
    return media(message, **(values | overrides))


def endpoint(instance: Instance, **overrides: Any) -> Endpoint:
    """A webhook endpoint of `instance` that is told of received messages."""
    return _add(
        Endpoint,
        "whe",
        {
            "owner_id": instance.owner_id,
            "instance_id": instance.id,
            "url": "http://127.0.0.1:9/hook",
            "events": ["message_received"],
            "secret": "shared secret",
            "created_at": utcnow(),
        },
        overrides,
    )


def delivery(endpoint: Endpoint, **overrides: Any) -> Delivery:
    """An event that `endpoint` was told of, at `created_at` where that is given."""
    if at := overrides.get("created_at"):
        overrides.setdefault("id", next_id("dlv", at, after=""))
    return _add(
        Delivery,
        "dlv",
        {
            "endpoint_id": endpoint.id,
            "owner_id": endpoint.owner_id,
            "instance_id": endpoint.instance_id,
            "event": "message_received",
            "body": b'{"event": "message_received"}',
            "status": "delivered",
            "attempts": 1,
            "due_at": utcnow(),
            "created_at": utcnow(),
            "finished_at": utcnow(),
        },
        overrides,
    )


def call(instance: Instance, wa_id: str, **overrides: Any) -> Call:
    """A call of somebody that is to be rejected."""
    now = utcnow()
    return _add(
        Call,
        "call",
        {
            "instance_id": instance.id,
            "account_id": instance.account_id,
            "wa_id": wa_id,
            "caller_phone": "15552000001",
            "caller_lid": "90001",
            "is_group": False,
            "video": False,
            "offered_at": now,
            "fate": Fate.RINGING,
            "created_at": now,
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


def notice(user: User, **overrides: Any) -> Notice:
    """A notice to `user`, of nothing in particular."""
    values = {
        "user_id": user.id,
        "kind": NoticeKind.DISK_NEARLY_FULL,
        "subject": "",
        "detail": {"free": 700_000_000},
        "since": utcnow(),
        "created_at": utcnow(),
    }
    return _add(Notice, "ntc", values, overrides)


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
