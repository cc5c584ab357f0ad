from __future__ import annotations

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import User
from app.models.user import ADMINISTRATOR, USER
from app.services import accounts, invitations, password_resets, people
from tests.factories import PASSWORD


def run(app: Flask, *arguments: str, typed: str = "") -> Result:
    return app.test_cli_runner().invoke(args=list(arguments), input=typed)


@pytest.mark.parametrize(("options", "role"), [((), USER), (("--admin",), ADMINISTRATOR)])
def test_users_create_makes_an_account_that_can_sign_in(
    app: Flask, options: tuple[str, ...], role: str
) -> None:
    result = run(
        app, "users", "create", "--email", "anna@example.com", *options, typed=f"{PASSWORD}\n"
    )

    assert result.exit_code == 0, result.output
    with app.app_context():
        assert accounts.by_password("anna@example.com", PASSWORD).role == role


@pytest.mark.parametrize(
    ("email", "password"), [("not an address", PASSWORD), ("anna@example.com", "short")]
)
def test_users_create_refuses_in_words(app: Flask, email: str, password: str) -> None:
    result = run(app, "users", "create", "--email", email, typed=f"{password}\n")

    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    with app.app_context():
        assert db.session.scalar(select(User)) is None


def test_users_create_never_shows_the_password(app: Flask) -> None:
    result = run(app, "users", "create", "--email", "anna@example.com", typed=f"{PASSWORD}\n")

    assert PASSWORD not in result.output


def test_users_list_shows_everybody(app: Flask, alice: User, bob: User) -> None:
    result = run(app, "users", "list")

    assert [line.split()[:2] for line in result.output.splitlines()] == [
        [alice.email, ADMINISTRATOR],
        [bob.email, USER],
    ]


def test_setup_link_is_one_that_works(app: Flask) -> None:
    result = run(app, "setup-link")

    assert result.exit_code == 0, result.output
    assert result.output.startswith("http://127.0.0.1:8000/setup/")
    with app.app_context():
        accounts.check_setup_link(result.output.strip().rpartition("/")[2])


def test_setup_link_is_refused_once_somebody_has_an_account(app: Flask, bob: User) -> None:
    result = run(app, "setup-link")

    assert result.exit_code == 1
    assert "users create --admin" in result.output


def link_in(result: Result) -> str:
    """The token of the link that was printed."""
    assert result.exit_code == 0, result.output
    return result.output.strip().rpartition("/")[2]


def test_users_invite_prints_a_link_that_works(app: Flask) -> None:
    token = link_in(run(app, "users", "invite", "--email", "anna@example.com", "--limit", "2"))

    with app.app_context():
        invitation = invitations.find(token)
        assert (invitation.email, invitation.instance_limit) == ("anna@example.com", 2)


def test_users_reset_link_prints_a_link_that_works(app: Flask, bob: User) -> None:
    token = link_in(run(app, "users", "reset-link", bob.email))

    with app.app_context():
        assert password_resets.owner_of(token).id == bob.id


def test_users_are_disabled_and_enabled(app: Flask, alice: User, bob: User) -> None:
    assert run(app, "users", "disable", bob.email, "--stop-instances").exit_code == 0
    assert "disabled" in run(app, "users", "list").output
    assert run(app, "users", "enable", bob.email).exit_code == 0
    assert "disabled" not in run(app, "users", "list").output


def test_users_get_a_role_and_a_limit(app: Flask, alice: User, bob: User) -> None:
    run(app, "users", "role", bob.email, "administrator")
    run(app, "users", "limit", bob.email, "3")

    with app.app_context():
        user = people.by_email(bob.email)
        assert (user.role, user.instance_limit) == (ADMINISTRATOR, 3)
    run(app, "users", "limit", bob.email, "none")
    with app.app_context():
        assert people.by_email(bob.email).instance_limit is None


def test_users_delete_asks_and_says_what_is_lost(app: Flask, alice: User, bob: User) -> None:
    result = run(app, "users", "delete", bob.email, typed="n\n")
    assert "0 instances" in result.output
    assert result.exit_code == 1
    assert run(app, "users", "delete", bob.email, "--yes").exit_code == 0
    with app.app_context():
        assert db.session.get(User, bob.id) is None


@pytest.mark.parametrize(
    "command",
    [
        ("disable", "alice@example.com"),
        ("role", "alice@example.com", "user"),
        ("delete", "alice@example.com", "--yes"),
        ("disable", "nobody@example.com"),
        ("limit", "alice@example.com", "-1"),
        ("limit", "alice@example.com", "99999"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    app: Flask, alice: User, command: tuple[str, ...]
) -> None:
    result = run(app, "users", *command)

    assert result.exit_code != 0
    assert "Error: " in result.output
    with app.app_context():
        user = people.by_email(alice.email)
        assert user.is_active
        assert user.is_administrator
