"""Deleting an instance: asked in the list, on its page, with and without scripts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from app.clock import utcnow
from app.extensions import db
from app.models import Instance, Lease, User
from app.services import instances
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, only, soup, words


def left(app: Flask, user: User) -> list[Instance]:
    with app.app_context():
        return instances.all_of(user)


def link(app: Flask, shop: Instance, state: str) -> None:
    with app.app_context():
        factories.linked_account(shop)
        with transaction() as session:
            session.get_one(Instance, shop.id).state = state


def queue(app: Flask, shop: Instance) -> None:
    with app.app_context():
        chat = factories.chat(factories.linked_account(shop))
        factories.message(chat, direction="out", status="queued")


def test_deleting_asks_first_and_names_what_is_lost(
    app: Flask, bobs: Browser, bob: User, shop: Instance
) -> None:
    with app.app_context():
        factories.message(factories.chat(factories.linked_account(shop)))
    page = bobs.get(f"/ui/instances/{shop.id}/delete")
    for part in ("Удалить инстанс «Shop»?", "1 чат", "1 сообщение"):
        assert part in words(page)
    assert bobs.post(f"/ui/instances/{shop.id}/delete").location == "/ui/instances"
    assert left(app, bob) == []
    assert "удалён" in words(bobs.get("/ui/instances"), "#alerts")


def test_the_list_asks_in_a_dialog_and_stays_where_it_is(
    app: Flask, bobs: Browser, bob: User, shop: Instance
) -> None:
    ask = only(bobs.get("/ui/instances"), f"#delete-{shop.id}")
    assert ask["href"] == ask["hx-get"]
    form = only(bobs.fragment(str(ask["hx-get"])), "form#delete")
    answer = bobs.act(str(form["hx-post"]), {"from": "list"})
    assert answer.headers["HX-Trigger-After-Swap"] == "answered, instances-changed"
    assert "удалён" in answer.text
    assert left(app, bob) == []


def test_a_question_asked_elsewhere_leads_to_the_list(bobs: Browser, shop: Instance) -> None:
    answer = bobs.act(f"/ui/instances/{shop.id}/delete")
    assert answer.headers["HX-Redirect"] == "/ui/instances"


@pytest.mark.parametrize(
    ("state", "checked", "hint"), [("connected", True, False), ("disconnected", False, True)]
)
def test_logging_out_first_is_offered_and_chosen_where_it_can_be_done(
    app: Flask, bobs: Browser, shop: Instance, state: str, checked: bool, hint: bool
) -> None:
    link(app, shop, state)
    page = bobs.get(f"/ui/instances/{shop.id}/delete")
    assert only(page, "#log-out-first").has_attr("checked") is checked
    assert ("Сейчас связи нет" in words(page)) is hint


def test_an_instance_without_a_phone_has_nothing_to_log_out(bobs: Browser, shop: Instance) -> None:
    assert not soup(bobs.get(f"/ui/instances/{shop.id}/delete")).select("#log-out-first")


@pytest.mark.parametrize(("chosen", "wish"), [({"log_out": "on"}, "signed_out"), ({}, "stopped")])
def test_the_choice_reaches_the_host(
    app: Flask, bobs: Browser, shop: Instance, chosen: dict[str, str], wish: str
) -> None:
    link(app, shop, "connected")
    with app.app_context(), transaction() as session:
        until = utcnow() + timedelta(seconds=25)
        session.add(Lease(instance_id=shop.id, host_id="hst_1", epoch=1, expires_at=until))
    bobs.post(f"/ui/instances/{shop.id}/delete", chosen)
    with app.app_context():
        assert db.session.get_one(Instance, shop.id).desired == wish


def test_unsent_messages_ask_for_the_name(
    app: Flask, bobs: Browser, bob: User, shop: Instance
) -> None:
    queue(app, shop)
    path = f"/ui/instances/{shop.id}/delete"
    assert "1 сообщение, которое ещё не отправлено" in words(bobs.get(path))
    answer = bobs.post(path, {"name": "Shed"})
    assert answer.status_code == 422
    assert words(answer, "#delete-name-error") == "Введите имя точно так, как оно написано выше."
    assert len(left(app, bob)) == 1
    assert bobs.post(path, {"name": "Shop"}).status_code == 303
    assert left(app, bob) == []


def test_a_wrong_name_is_told_in_the_dialog(app: Flask, bobs: Browser, shop: Instance) -> None:
    queue(app, shop)
    answer = bobs.act(f"/ui/instances/{shop.id}/delete", {"from": "list"})
    assert (answer.status_code, only(answer, "form")["hx-target"]) == (422, "#asked")
