"""What administrators do with people, and links that let people in."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from app.core.states import DesiredState, InstanceState
from app.extensions import db
from app.models import Instance, User
from app.services import people
from app.transaction import transaction
from tests import factories
from tests.factories import PASSWORD
from tests.ui.browser import Browser, filled_form, only, soup, words

NEW = "another long password"


@pytest.fixture
def alices(app: Flask, alice: User) -> Browser:
    """The administrator's browser."""
    return Browser(app.test_client()).sign_in(alice)


def link_in(answer) -> str:  # type: ignore[no-untyped-def]
    """The path of the link that is shown to be copied."""
    return re.sub(r"^https?://[^/]+", "", only(answer, "#link").text)


def test_administrators_see_everybody(alices: Browser, bob: User) -> None:
    page = alices.get("/ui/users")
    assert words(page, "h1") == "Пользователи"
    _, bobs = soup(page).select("#users tbody tr")
    assert bobs.th.get_text(strip=True) == "bob@example.com"
    assert "Активен" in bobs.get_text()


def test_the_way_there_is_shown_to_administrators_alone(alices: Browser, bobs: Browser) -> None:
    assert soup(alices.get("/ui/profile")).select("nav a[href='/ui/users']")
    assert not soup(bobs.get("/ui/profile")).select("nav a[href='/ui/users']")


def test_others_are_told_that_it_is_for_administrators(bobs: Browser) -> None:
    answer = bobs.get("/ui/users")
    assert answer.status_code == 403
    assert "Это доступно только администраторам." in words(answer)


def test_the_search_answers_with_the_list_alone(alices: Browser, bob: User) -> None:
    answer = alices.fragment("/ui/users?search=bob")
    assert len(soup(answer).select("#users tbody tr")) == 1
    assert "<html" not in answer.text
    assert "Никого не найдено" in words(alices.fragment("/ui/users?search=zzz"), "#users")


def test_an_invited_person_makes_an_account_and_is_in(
    app: Flask, alices: Browser, anybody: Browser
) -> None:
    made = alices.post(
        "/ui/users/invite",
        {"email": "eve@example.com", "role": "user", "instance_limit": "2", "days": "7"},
    )
    assert made.status_code == 303
    link = link_in(alices.get(made.location))
    form = filled_form(anybody.get(link), "main form")
    assert form["email"] == "eve@example.com"
    answer = anybody.post(link, form | {"name": "Ева", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/ui/instances")
    assert anybody.get("/ui/profile").status_code == 200
    with app.app_context():
        assert people.by_email("eve@example.com").instance_limit == 2
    assert "Приглашение уже использовано" in words(anybody.get(link))


def test_a_refused_account_is_named_beside_the_field_and_the_rest_stays(
    alices: Browser, anybody: Browser, bob: User
) -> None:
    made = alices.post("/ui/users/invite", {"role": "user", "days": "7"})
    link = link_in(alices.get(made.location))
    answer = anybody.post(link, {"email": bob.email, "name": "Ева", "password": PASSWORD})
    assert answer.status_code == 409
    assert only(answer, "#email-error")
    assert only(answer, "#name")["value"] == "Ева"


def test_an_invitation_taken_back_lets_nobody_in(alices: Browser, anybody: Browser) -> None:
    made = alices.post("/ui/users/invite", {"role": "user", "days": "7"})
    link = link_in(alices.get(made.location))
    assert link.rpartition("/")[2] not in alices.get("/ui/users").text
    alices.post(f"{made.location}/take-back")
    assert anybody.get(link).status_code == 404
    assert not soup(alices.get("/ui/users")).select("#invitations")


@pytest.mark.parametrize(
    "values",
    [
        {"role": "king", "days": "7"},
        {"role": "user", "days": "365"},
        {"role": "user", "days": "7", "instance_limit": "many"},
        {"role": "user", "days": "7", "instance_limit": "-1"},
        {"role": "user", "days": "7", "email": "nonsense"},
    ],
)
def test_an_invitation_that_cannot_be_is_refused_in_its_field(
    alices: Browser, values: dict[str, str]
) -> None:
    answer = alices.post("/ui/users/invite", values)
    assert answer.status_code == 422
    assert soup(answer).select("main .field-wrong")


def test_role_and_limit_are_changed(app: Flask, alices: Browser, bob: User) -> None:
    page = f"/ui/users/{bob.id}"
    assert alices.post(page, {"role": "administrator", "instance_limit": "3"}).location == page
    with app.app_context():
        user = people.get(bob.id).user
        assert (user.is_administrator, user.instance_limit) == (True, 3)
    alices.post(page, {"role": "user", "instance_limit": ""})
    with app.app_context():
        user = people.get(bob.id).user
        assert (user.is_administrator, user.instance_limit) == (False, None)


def test_the_last_administrator_is_told_why_not(alices: Browser, alice: User) -> None:
    answer = alices.post(f"/ui/users/{alice.id}", {"role": "user", "instance_limit": ""})
    assert answer.status_code == 409
    assert "последний администратор" in words(answer, "#role-error")


@pytest.mark.parametrize(
    ("choice", "desired"), [("run", DesiredState.RUNNING), ("stop", DesiredState.STOPPED)]
)
def test_disabling_asks_what_becomes_of_the_instances(
    app: Flask, alices: Browser, bobs: Browser, bob: User, choice: str, desired: str
) -> None:
    with app.app_context():
        instance = factories.instance(
            bob, state=InstanceState.CONNECTED, desired=DesiredState.RUNNING
        )
        factories.linked_account(instance)
        instance_id = instance.id
    page = f"/ui/users/{bob.id}"
    assert "1 инстанс" in words(alices.get(f"{page}/disable"))
    assert alices.post(f"{page}/disable", {"instances": choice}).location == page
    assert bobs.get("/ui/profile").status_code == 303
    with app.app_context():
        assert db.session.get_one(Instance, instance_id).desired == desired
    assert "Отключён" in words(alices.get(page))


def test_a_disabled_person_is_told_so_at_the_door_and_let_in_again(
    app: Flask, alices: Browser, anybody: Browser, bob: User
) -> None:
    alices.post(f"/ui/users/{bob.id}/disable", {"instances": "run"})
    answer = anybody.post("/login", {"email": bob.email, "password": PASSWORD})
    assert answer.status_code == 403
    assert "Учётная запись отключена." in words(answer, "[role=alert].tone-lost")
    alices.post(f"/ui/users/{bob.id}/enable")
    assert anybody.post("/login", {"email": bob.email, "password": PASSWORD}).status_code == 303


def test_a_reset_link_is_shown_once_and_sets_a_password(
    alices: Browser, anybody: Browser, bob: User
) -> None:
    answer = alices.post(f"/ui/users/{bob.id}/reset-link")
    link = link_in(answer)
    assert link not in alices.get(f"/ui/users/{bob.id}").text
    assert "bob@example.com" in words(anybody.get(link))
    assert anybody.post(link, {"password": "short"}).status_code == 422
    assert anybody.post(link, {"password": NEW}).location == "/login"
    assert anybody.post("/login", {"email": bob.email, "password": NEW}).status_code == 303
    assert anybody.get(link).status_code == 404


def test_deleting_names_what_is_lost(app: Flask, alices: Browser, bob: User) -> None:
    with app.app_context():
        account = factories.linked_account(factories.instance(bob))
        for _ in range(2):
            factories.message(factories.chat(account))
    asked = words(alices.get(f"/ui/users/{bob.id}/delete"))
    assert "1 инстанс 2 чата 2 сообщения" in asked
    assert alices.post(f"/ui/users/{bob.id}/delete").location == "/ui/users"
    with app.app_context(), transaction() as session:
        assert session.get(User, bob.id) is None


def test_nobody_is_offered_to_disable_themselves(alices: Browser, alice: User) -> None:
    page = alices.get(f"/ui/users/{alice.id}")
    assert not soup(page).select("a[href$='/disable'], a[href$='/delete']")
    answer = alices.post(f"/ui/users/{alice.id}/disable", {"instances": "run"})
    assert answer.status_code == 409


def test_who_reached_the_limit_is_told_so_and_what_was_typed_stays(
    app: Flask, bobs: Browser, bob: User
) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(User, bob.id).instance_limit = 0
    form = filled_form(bobs.get("/ui/instances/new"), "main form:has([name=description])")
    answer = bobs.post("/ui/instances/new", form | {"name": "Лишний"})
    assert answer.status_code == 409
    assert "Ваш предел инстансов: 0." in words(answer, "main")
    assert only(answer, "#name")["value"] == "Лишний"
