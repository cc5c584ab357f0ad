from __future__ import annotations

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import User
from app.models.user import ADMINISTRATOR, USER
from app.services import accounts
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
