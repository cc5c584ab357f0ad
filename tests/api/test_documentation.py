"""docs/api.md: its commands are run as they stand there, against the real server."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from app.api import events
from app.core.details import Poll, as_data
from app.core.groups import OWNER
from app.core.media import MediaState
from app.core.states import InstanceState
from app.extensions import db
from app.models import Delivery, GroupWish, Instance, Media, Message, User
from app.models.message import AMENDMENTS
from app.models.webhook import DeliveryStatus
from app.services import accounts, chats, group_wishes, groups, sign_ins
from app.transaction import transaction
from tests import factories
from tests.core.test_sniffing import picture
from tests.sounds import sound

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api.md"


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the API answers."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    thread.join()
    server.server_close()


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(), re.S)
    lines = "".join(blocks).replace("\\\n", " ")
    found = re.findall(r"^curl (?:'[^']*'|[^'\n])*", lines, re.M)
    assert len(found) == lines.count("curl ")
    return found


def run(command: str, folder: Path, **variables: str) -> str:
    result = subprocess.run(
        ["/bin/sh", "-euc", command],
        env=variables,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
    return result.stdout


def link(instance_id: str) -> None:
    """What scanning the code leads to."""
    with transaction() as session:
        instance = session.get_one(Instance, instance_id)
        instance.state = InstanceState.CONNECTED
    factories.linked_account(instance)


BEFORE = {
    "/cancel": "queued",
    "/dismiss": "unconfirmed",
    "/resend": "unconfirmed",
    "/retry": "failed",
}


def bring_about(command: str, message_id: str) -> None:
    """What has to have happened to the message for the command to make sense."""
    for act, status in BEFORE.items():
        if act in command:
            with transaction() as session:
                message = session.get_one(Message, message_id)
                message.status, message.settled = status, None
    if "-X PUT" in command or "$MESSAGE_ID -H" in command:  # what is said about a message
        with transaction() as session:
            message = session.get(Message, message_id)
            if message is not None:
                message.status, message.wa_id, message.kind = "sent", "3EB0", "text"
    if "/vote" in command:
        with transaction() as session:
            message = session.get_one(Message, message_id)
            message.wa_id, message.kind = "3EB0", "poll"
            message.details = as_data(Poll("When?", ("Today", "Tomorrow"), 1))
    if "/deliveries/$DELIVERY_ID/replay" in command:
        with transaction() as session:
            for delivery in session.scalars(select(Delivery)):
                delivery.status = DeliveryStatus.FAILED
    if "/groups" in command:
        for instance in db.session.scalars(select(Instance)).all():
            if instance.account is not None:
                a_group(instance)
    if "/media/fetch" in command:
        with transaction() as session:
            file = session.scalars(select(Media).where(Media.message_id == message_id)).one()
            file.state, file.remote = MediaState.FAILED, {"directPath": "/v/x"}


@contextmanager
def whatsapp_does_what_is_wished(app: Flask) -> Iterator[None]:
    """In place of a session's host: every wish about a group is done."""
    over = threading.Event()

    def answer() -> None:
        while not over.wait(0.05):
            with app.app_context(), transaction() as session:
                for wish in session.scalars(
                    select(GroupWish).where(GroupWish.answered_at.is_(None))
                ):
                    result = {
                        "group": GROUP.partition("@")[0],
                        "link": "https://chat.whatsapp.com/x",
                    }
                    group_wishes.take(wish.id)
                    group_wishes.answer(wish.id, result=result)

    host = threading.Thread(target=answer)
    host.start()
    yield
    over.set()
    host.join()


def a_group(instance: Instance) -> None:
    """The instance is connected and in a group, with somebody else."""
    with transaction() as session:
        row = session.get_one(Instance, instance.id)
        row.state = InstanceState.CONNECTED
        chat = chats.group(chats.account_of(row), GROUP.partition("@")[0], name="Couriers")
        chat.our_role, chat.group_known_at = OWNER, chat.created_at
        groups.put(chat, ("79161234567", "251556368777322"))


def before_all(alice: User, bob: User) -> dict[str, str]:
    """What the reader has: two keys, and somebody to try the administration on."""
    other, notice = factories.user(), factories.notice(bob)
    with transaction():
        sign_ins.begin(bob, remember=True, address="", agent="")
        return {
            "KEY": accounts.create_key(bob).key_encrypted,
            "ADMIN_KEY": accounts.create_key(alice).key_encrypted,
            "USER_ID": other.id,
            "SIGN_IN_ID": sign_ins.all_of(bob)[0].id,
            "NOTICE_ID": notice.id,
        }


GROUP = "120363041234567890@g.us"
PREFIXES = {
    "ins_": "ID",
    "inv_": "INVITATION_ID",
    "con_": "CONTACT_ID",
    "imp_": "IMPORT_ID",
    "tsk_": "TASK_ID",
    "whe_": "WEBHOOK_ID",
    "dlv_": "DELIVERY_ID",
    "key_": "KEY_ID",
}


def test_every_command_works(app: Flask, address, alice, bob, tmp_path, monkeypatch):
    monkeypatch.setattr(events, "STREAM_SECONDS", 0)  # else it lasts for minutes
    (tmp_path / "invoice.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "greeting.mp3").write_bytes(sound("mp3"))
    (tmp_path / "cat.png").write_bytes(picture("PNG"))
    (tmp_path / "clients.csv").write_text("name;phone\nMaria;+79161234567\n")
    with app.app_context():
        variables = before_all(alice, bob)
    variables |= {"API": address, "ID": "", "MESSAGE_ID": "", "INVITATION_ID": ""}
    variables |= {"CONTACT_ID": "", "IMPORT_ID": "", "WEBHOOK_ID": "", "DELIVERY_ID": ""}
    variables |= {"OTHER_CONTACT_ID": "", "TASK_ID": ""}
    variables["KEY_ID"] = ""
    variables["GROUP_ID"], variables["CHAT_ID"] = GROUP, "79161234567"
    with whatsapp_does_what_is_wished(app):
        run_all(app, tmp_path, variables)
    with app.app_context():
        assert db.session.scalars(select(Instance)).all() == []


def run_all(app: Flask, folder: Path, variables: dict[str, str]) -> None:
    """Runs the commands in order, each with what those before it have told."""
    for command in commands():
        with app.app_context():
            bring_about(command, variables["MESSAGE_ID"])
        said = run(command, folder, **variables)
        answer = json.loads(said) if said.startswith("{") else {}
        if "scopes" not in answer:
            variables["KEY"] = answer.get("apiKey") or variables["KEY"]
        name = PREFIXES.get(answer.get("id", "")[:4])
        if name == "CONTACT_ID" and answer["id"] != variables[name]:
            variables["OTHER_CONTACT_ID"] = variables[name]
        if name:
            variables[name] = answer["id"]
        told = answer.get("message", {})
        if told.get("type") not in AMENDMENTS:
            variables["MESSAGE_ID"] = told.get("id", variables["MESSAGE_ID"])
        if "/pair-code" in command:
            with app.app_context():
                link(variables["ID"])


NAMED = (
    "key",
    "message",
    "user",
    "invitation",
    "sign_in",
    "contact",
    "import",
    "task",
    "webhook",
    "delivery",
    "notice",
    "group",
    "chat",
)


def test_every_operation_has_a_command(document):
    said = "\n".join(commands())
    for path, operations in document["paths"].items():
        place = path.removeprefix("/api").replace("{instance_id}", "$ID")
        for name in NAMED:
            place = place.replace(f"{{{name}_id}}", f"${name.upper()}_ID")
        place = place.replace("{member}", "79161234567").replace("{chat_id}", "$CHAT_ID")
        place = place.replace("{phone}", "79161234568")
        for method in operations:
            if method in {"put", "patch", "delete"}:
                assert f"-X {method.upper()} $API{place} " in said
            else:
                assert re.search(rf"\$API{re.escape(place)}[\"? ]", said), f"{method} {path}"
