"""Every way into the product, and who may take it. A route that is not in RULES fails here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.clock import utcnow
from app.core.states import InstanceState
from app.extensions import db
from app.models import Instance, Notice, ProfilePicture, SignIn, User
from app.models.contact_task import TaskAct
from app.services import (
    accounts,
    contact_imports,
    contact_tasks,
    invitations,
    named_keys,
    password_resets,
    sign_ins,
)
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
MARK = "zvmxqk"  # in everything of bob's and alice's that could be read

# Whoever comes. What is behind a link is known to who has the link.
ANYBODY = {
    *(
        "static",
        "asset",
        "health.show_health",
        "health.show_readiness",
        "api.login",
        "api.show_openapi",
        "api.show_docs",
        "api.show_docs_file",
    ),
    *("ui.show_start", "ui.show_sign_in", "ui.sign_in", "ui.sign_out"),
    *("ui.choose_language", "ui.choose_theme"),
    *("ui.show_setup", "ui.set_up", "ui.show_invitation", "ui.accept_invitation"),
    *("ui.show_reset", "ui.reset_password"),
    "ui.show_linked_media",  # by a signed link
    "metrics.show_metrics",  # from this machine, or with the token: tests/test_metrics.py
}
# Whoever is signed in; what they see and change is their own.
SIGNED_IN = {
    *("ui.list_instances", "ui.instances_list", "ui.new_instance", "ui.create_instance"),
    "ui.show_components",
    *("ui.list_webhooks", "ui.new_webhook", "ui.create_webhook"),
    *("ui.show_deliveries", "ui.confirm_replay", "ui.replay_deliveries"),
    *("api.list_all_deliveries", "api.replay_deliveries"),
    *("api.list_webhooks", "api.create_webhook"),
    *("ui.list_notices", "ui.show_bell", "ui.read_notices", "api.list_notices"),
    "api.read_notices",
    *("ui.show_whole_journal", "ui.whole_journal_lines", "api.list_all_activity"),
    *("ui.show_profile", "ui.save_name", "ui.choose_preferences", "ui.change_password"),
    *("ui.show_key", "ui.hide_key", "ui.rotate_key", "ui.end_former_keys"),
    *("ui.end_other_sign_ins", "ui.sign_out_everywhere"),
    *("api.list_instances", "api.create_instance", "api.show_me", "api.update_me"),
    *("api.change_password", "api.show_key", "api.rotate_key", "api.end_former_keys"),
    *("api.list_sign_ins", "api.end_all_sign_ins"),
    *("api.list_keys", "api.create_key"),
    *("ui.list_keys", "ui.new_key", "ui.create_key"),
    *("ui.show_statistics", "ui.show_busiest", "ui.export_statistics"),
    *("api.show_user_statistics", "api.list_top_chats"),
}
# Who the thing named in the address belongs to; to everybody else it is not there.
OWNER = {
    *("ui.show_instance", "ui.instance_state", "ui.instance_badge", "ui.instance_about"),
    *("ui.recent_journal", "ui.show_journal", "ui.journal_lines", "api.list_activity"),
    "api.show_instance_statistics",
    *("ui.show_queue", "ui.queue_places", "ui.cancel_message", "ui.confirm_cancelling"),
    *("ui.pause_queue", "ui.resume_queue", "api.pause_queue", "api.resume_queue"),
    *("ui.cancel_queue", "api.list_queue", "api.cancel_queue", "api.cancel_message"),
    *("ui.edit_instance", "ui.change_instance", "ui.confirm_deletion", "ui.delete_instance"),
    *("ui.start_pairing", "ui.show_pairing", "ui.reconnect", "ui.retry_connection"),
    *("ui.confirm_log_out", "ui.log_out", "test_phone.scan", "test_phone.type_code"),
    *("ui.show_chats", "ui.chats_news", "ui.chats_part", "ui.search_chats"),
    *("ui.open_chat", "ui.show_chat", "ui.show_manners", "ui.change_manners"),
    *("ui.confirm_blocking", "ui.block_person", "ui.unblock_person"),
    *("api.block_number", "api.unblock_number"),
    *("ui.show_picture", "ui.show_face", "ui.show_member_faces"),
    *("ui.conversation_news", "ui.conversation_part"),
    *("api.list_groups", "api.create_group", "api.show_group", "api.rename_group"),
    *("api.add_group_members", "api.change_group_member", "api.remove_group_member"),
    *("api.get_group_link", "api.leave_one_group"),
    *("ui.choose_chats", "ui.find_chats", "ui.forward_message", "api.forward_message"),
    "ui.find_members",
    *("ui.new_group", "ui.create_group", "ui.show_group", "ui.rename_group", "ui.add_to_group"),
    *("ui.change_member", "ui.group_link", "ui.leave_group"),
    "ui.show_message_info",
    *("ui.show_acts", "ui.react_to_message", "ui.edit_message", "ui.delete_message"),
    *("api.react_to_message", "api.edit_message", "api.delete_message"),
    *("ui.vote_in_poll", "api.vote_in_poll"),
    *("ui.send_message", "ui.resend_message", "ui.retry_message", "ui.dismiss_message"),
    *("ui.show_contacts", "ui.contacts_list", "ui.add_contact", "ui.edit_contact"),
    *("ui.change_contact", "ui.confirm_contact_deletion", "ui.delete_contact"),
    *("api.list_contacts", "api.add_contact", "api.show_contact", "api.update_contact"),
    *("api.delete_contact", "api.import_contacts", "api.show_contact_import"),
    "api.cancel_contact_import",
    *("ui.find_duplicates", "ui.propose_merging", "ui.merge_contacts"),
    *("api.list_duplicates", "api.merge_contacts"),
    *("ui.show_contact_task", "ui.cancel_contact_task"),
    *("api.start_contact_task", "api.show_contact_task", "api.cancel_contact_task"),
    *("ui.export_csv", "ui.export_vcards"),
    *("ui.show_import", "ui.start_import", "ui.cancel_import", "ui.choose_contacts"),
    *("ui.bring_contacts", "ui.show_contacts_file", "ui.start_contacts_file"),
    *("ui.discard_contacts_file", "ui.refused_contacts", "ui.act_on_contacts"),
    *("ui.confirm_erasure", "ui.erase_contact", "api.erase_contact"),
    *("ui.send_files", "ui.send_voice", "ui.show_media", "ui.show_thumbnail", "ui.fetch_media"),
    *("ui.new_location", "ui.send_location", "ui.new_poll", "ui.send_poll"),
    *("ui.new_cards", "ui.find_cards", "ui.send_cards"),
    *("api.show_media", "api.fetch_media"),
    *("ui.instance_webhooks", "ui.edit_webhook", "ui.change_webhook"),
    *("ui.confirm_webhook_deletion", "ui.delete_webhook"),
    *("ui.show_webhook_log", "ui.show_delivery", "ui.replay_delivery", "ui.test_webhook"),
    *("api.replay_failed", "api.test_webhook"),
    *("api.list_deliveries", "api.show_delivery", "api.replay_delivery", "api.show_health"),
    *("api.show_webhook", "api.update_webhook", "api.delete_webhook"),
    *("ui.forget_former_secret", "api.rotate_secret", "ui.probe_webhook", "api.probe_webhook"),
    "ui.end_sign_in",
    *("api.send_batch", "api.check_numbers", "api.show_photo", "api.list_instance_webhooks"),
    *("api.show_one_key", "api.revoke_key", "ui.revoke_key"),
    *("ui.end_sign_in", "ui.dismiss_notice", "api.dismiss_notice"),
    *("api.show_instance", "api.update_instance", "api.patch_instance", "api.delete_instance"),
    *("api.show_status", "api.show_qr", "api.show_phone_code", "api.reconnect", "api.log_out"),
    *("api.mark_chat_read", "api.show_typing", "ui.show_typing"),
    *("api.send_message", "api.show_message", "api.resend_message", "api.retry_message"),
    *("api.list_chats", "api.list_messages", "api.update_chat"),
    *("api.dismiss_message", "api.end_sign_in", "api.list_events", "api.stream_events"),
}
# Administrators; everybody else is told so, alike for what there is and what there is not.
ADMINISTRATORS = {
    *("ui.show_system", "ui.system_facts"),
    *("ui.list_users", "ui.show_user", "ui.change_user", "ui.create_reset_link"),
    *("ui.confirm_disabling", "ui.disable_user", "ui.enable_user"),
    *("ui.confirm_user_deletion", "ui.delete_user"),
    *("ui.new_invitation", "ui.create_invitation", "ui.show_open_invitation"),
    "ui.take_back_invitation",
    *("api.list_users", "api.create_user", "api.show_user", "api.update_user", "api.delete_user"),
    *("api.disable_user", "api.enable_user", "api.create_reset_link"),
    *("api.list_invitations", "api.create_invitation", "api.delete_invitation"),
}
RULES = (ANYBODY, SIGNED_IN, OWNER, ADMINISTRATORS)


@dataclass(frozen=True)
class Way:
    """One method of one route, with what stands in for its placeholders."""

    method: str
    rule: Rule
    ids: dict[str, str]
    body: Any

    @property
    def path(self) -> str:
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: self.ids[found[1]], self.rule.rule)

    @property
    def is_api(self) -> bool:
        return self.path.startswith("/api/")

    def __str__(self) -> str:
        return f"{self.method} {self.rule.rule}"


@pytest.fixture
def settings(settings):  # type: ignore[no-untyped-def]
    """With the test phone's pages, so that every page there is gets walked."""
    return settings.model_copy(update={"sandbox": True})


@pytest.fixture
def ids(app: Flask, alice: User, bob: User) -> dict[str, str]:
    """The ids of things that are not charlie's."""
    with app.app_context():
        shop = factories.instance(bob, name=f"Shop {MARK}", description=MARK)
        account = factories.linked_account(shop, push_name=MARK)
        chat = factories.chat(account, name=MARK)
        contact = factories.contact(shop, name=MARK)
        factories.whatsapp_contact(account, push_name=MARK)
        message = factories.message(
            chat, id="msg_of_maria", direction="out", status="unconfirmed", body=MARK
        )
        file = factories.media(message, file_name=MARK)
        webhook = factories.endpoint(
            shop, url=f"https://{MARK}.example/", secret=f"secret of {MARK}"
        )
        delivery = factories.delivery(webhook, body=f'{{"data": "{MARK}"}}'.encode())
        with transaction() as session:
            session.get_one(Instance, shop.id).state = InstanceState.CONNECTED
            session.get_one(User, bob.id).name = MARK
            token = sign_ins.begin(bob, remember=True, address="192.0.2.7", agent=MARK)
            job = contact_imports.start(session.get_one(Instance, shop.id))
            task = contact_tasks.start(session.get_one(Instance, shop.id), TaskAct.DELETE)
            invitation = invitations.create(actor=alice, email=f"{MARK}@example.com")
            password_resets.create(bob, actor=alice)
            accounts.create_key(bob)
            owner = session.get_one(User, bob.id)
            program, _ = named_keys.create(owner, name=MARK, scopes=["read"])
            notice = {"kind": "instance_down", "subject": shop.id, "instance_id": shop.id}
            moments = {"since": utcnow(), "created_at": utcnow()}
            session.add(Notice(id="ntc_of_bob", user_id=bob.id, **notice, **moments))
            sign_in = session.scalars(select(SignIn)).one()
            owner = {"instance_id": shop.id, "account_id": account.id}
            face = {"id": "pic_of_anna", "storage_key": "k" * 32, "key": "251556368777322"}
            session.add(ProfilePicture(**face, **owner))
            found = {
                "picture_id": face["id"],
                "import_id": job.id,
                "task_id": task.id,
                "key_id": program.id,
                "sign_in_id": sign_in.id,
                "invitation_id": invitation.id,
                "notice_id": "ntc_of_bob",
                "token": token,
            }
        return found | {
            "instance_id": shop.id,
            "chat_id": chat.id,
            "contact_id": contact.id,
            "message_id": message.id,
            "media_id": file.id,
            "user_id": bob.id,
            "webhook_id": webhook.id,
            "delivery_id": delivery.id,
            "digest": "0",
            "group_id": "120363041234567890@g.us",
            "member": "79161234567",
            "phone": "79161234568",
            "member_key": "251556368777322",
            "name": "nothing.svg",
            "filename": "nothing.svg",  # an open file would have to be closed
        }


@pytest.fixture
def ways(app: Flask, ids: dict[str, str]) -> list[Way]:
    """Every way in, with a body that would be accepted."""
    document = app.test_client().get("/api/openapi.json").get_json()
    return [
        Way(method, rule, ids, _example(document, method, rule))
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def _example(document: Any, method: str, rule: Rule) -> Any:
    path = re.sub(r"<(\w+)>", r"{\1}", rule.rule)
    operation = document["paths"].get(path, {}).get(method.lower(), {})
    contents = operation.get("requestBody", {}).get("content", {})
    return contents.get("application/json", {}).get("example")


def of(ways: list[Way], endpoints: set[str]) -> Iterator[Way]:
    return (way for way in ways if way.rule.endpoint in endpoints)


def call(app: Flask, way: Way, user: User | None, *, path: str = "") -> TestResponse:
    """The answer to `user`: in a browser of theirs with the CSRF token, or to their program."""
    if way.is_api:
        headers = {"X-API-Key": _key(app, user)} if user else {}
        return app.test_client().open(
            path or way.path, method=way.method, json=way.body, headers=headers
        )
    browser = Browser(app.test_client())
    if user is not None:
        browser.sign_in(user)
    return (browser.get if way.method == "GET" else browser.post)(path or way.path)


def _key(app: Flask, user: User) -> str:
    with app.app_context(), transaction():
        return accounts.create_key(user).key_encrypted


def rows(app: Flask, without: User) -> set[str]:
    """Every row of the database that does not speak of `without`, nor of the passing of time."""
    with app.app_context():
        found = {
            f"{table.name} {tuple(row)}"
            for table in db.metadata.sorted_tables
            if table.name != "ticks"
            for row in db.session.execute(select(table))
        }
    return {row for row in found if without.id not in row}


def test_every_route_has_a_rule_and_one_only(ways: list[Way]) -> None:
    declared = [endpoint for rule in RULES for endpoint in rule]
    assert {way.rule.endpoint for way in ways} - set(declared) == set(), "say who may come here"
    assert set(declared) - {way.rule.endpoint for way in ways} == set()
    assert len(declared) == len(set(declared))


def test_an_address_that_names_a_thing_asks_for_its_owner(ways: list[Way]) -> None:
    for way in of(ways, ANYBODY | SIGNED_IN):
        assert way.rule.arguments <= {"token", "digest", "name", "filename"}, way


def test_who_is_not_signed_in_gets_nowhere(app: Flask, ways: list[Way], bob: User) -> None:
    before = rows(app, without=_nobody())
    for way in of(ways, SIGNED_IN | OWNER | ADMINISTRATORS):
        answer = call(app, way, None)
        if way.is_api:
            assert answer.status_code == 401, way
        else:
            assert (answer.status_code, answer.location[:6]) == (303, "/login"), way
        assert MARK not in answer.text, way
    assert rows(app, without=_nobody()) == before


def test_open_doors_say_nothing_of_anybody(app: Flask, ways: list[Way], ids: object) -> None:
    before = rows(app, without=_nobody())
    for way in of(ways, ANYBODY):
        answer = call(app, way, None)
        assert answer.status_code < 500 or way.rule.endpoint == "health.show_readiness", way
        assert MARK not in answer.text, way
    assert rows(app, without=_nobody()) == before


def test_what_is_somebody_elses_is_not_there(app: Flask, ways: list[Way], charlie: User) -> None:
    before = rows(app, without=charlie)
    for way in of(ways, OWNER):
        answer = call(app, way, charlie)
        assert answer.status_code == 404, way
        assert MARK not in answer.text, way
    assert rows(app, without=charlie) == before


def test_an_administrator_is_no_owner_either(app: Flask, ways: list[Way], alice: User) -> None:
    before = rows(app, without=alice)
    for way in of(ways, OWNER):
        assert call(app, way, alice).status_code == 404, way
    assert rows(app, without=alice) == before


def test_what_is_in_somebody_elses_instance_is_not_in_ones_own(
    app: Flask, ways: list[Way], charlie: User
) -> None:
    with app.app_context():
        own = {"instance_id": factories.instance(charlie, name="Own").id}
    for way in of(ways, OWNER):
        if not {"instance_id"} < way.rule.arguments - {"phone"}:  # a number is nobody's
            continue
        answer = call(app, replace(way, ids=way.ids | own), charlie)
        assert answer.status_code == 404, way
        assert MARK not in answer.text, way


def test_ones_own_pages_have_nothing_of_others(app: Flask, ways: list[Way], charlie: User) -> None:
    before = rows(app, without=charlie)
    for way in of(ways, SIGNED_IN):
        answer = call(app, way, charlie)
        assert answer.status_code < 500, way
        assert answer.status_code not in {401, 403, 404}, way
        assert MARK not in answer.text, way
    assert before <= rows(app, without=charlie)


def test_people_are_managed_by_administrators_alone(
    app: Flask, ways: list[Way], charlie: User
) -> None:
    before = rows(app, without=charlie)
    for way in of(ways, ADMINISTRATORS):
        answer = call(app, way, charlie)
        nothing = call(app, way, charlie, path=re.sub(r"(usr|inv)_\w+", r"\1_NOTHING", way.path))
        assert (answer.status_code, nothing.status_code) == (403, 403), way
        assert MARK not in answer.text, way
    assert rows(app, without=charlie) == before


def test_a_disabled_person_gets_nowhere(app: Flask, ways: list[Way], charlie: User) -> None:
    key = _key(app, charlie)
    browser = Browser(app.test_client()).sign_in(charlie)
    token = browser.csrf_token()
    with app.app_context(), transaction() as session:
        session.get_one(User, charlie.id).disabled_at = charlie.created_at
    for way in of(ways, SIGNED_IN | OWNER | ADMINISTRATORS):
        if way.is_api:
            options = {"json": way.body, "headers": {"X-API-Key": key}}
            answer = app.test_client().open(way.path, method=way.method, **options)
            told = answer.get_json(force=True)["code"]
            assert (answer.status_code, told) == (403, "account_disabled"), way
        else:
            form = {"csrf_token": token} if way.method == "POST" else None
            answer = browser.client.open(way.path, method=way.method, data=form)
            assert (answer.status_code, answer.location[:6]) == (303, "/login"), way


def test_every_change_by_a_cookie_needs_the_pages_token(
    app: Flask, ways: list[Way], bob: User
) -> None:
    browser = Browser(app.test_client()).sign_in(bob)
    before = rows(app, without=_nobody())
    for way in ways:
        if way.method not in UNSAFE or way.rule.endpoint == "api.login":  # looks at no cookie
            continue
        options = {"json": way.body} if way.is_api else {"data": {}}
        answer = browser.client.open(way.path, method=way.method, **options)
        if way.is_api:
            told = answer.get_json(force=True)["code"]
            assert (answer.status_code, told) == (403, "csrf_failed"), way
        else:
            assert answer.status_code == 419, way
    assert rows(app, without=_nobody()) == before


def _nobody() -> User:
    return User(id="usr_nobody")
