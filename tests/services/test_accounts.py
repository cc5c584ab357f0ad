"""People and what they prove who they are with."""

from __future__ import annotations

from datetime import timedelta

import argon2
import pytest
import time_machine
from sqlalchemy import text

from app.clock import utcnow
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized
from app.extensions import db
from app.models import User
from app.services import accounts, passwords, sign_ins
from app.transaction import transaction
from tests import factories

pytestmark = pytest.mark.usefixtures("app_context")
PASSWORD = "correct horse battery"


@pytest.fixture
def dora() -> User:
    with transaction():
        return accounts.create_user(email=" Dora@Example.COM ", password=PASSWORD, name=" Dora ")


def key_of(user: User) -> str:
    return accounts.current_key(user).key_encrypted


def test_a_new_person_is_known_by_the_lower_case_address(dora):
    assert (dora.email, dora.name, dora.is_administrator) == ("dora@example.com", "Dora", False)


def test_a_new_person_has_an_api_key(dora):
    assert accounts.by_key(key_of(dora)).id == dora.id


@pytest.mark.parametrize("email", ["", "dora", "dora@", "@example.com", "dora@ex ample.com"])
def test_what_is_no_address_makes_no_account(email):
    with pytest.raises(Invalid) as caught, transaction():
        accounts.create_user(email=email, password=PASSWORD)
    assert caught.value.field == "email"


@pytest.mark.parametrize(
    ("password", "code"), [("short", "password_too_short"), ("a" * 201, "password_too_long")]
)
def test_a_bad_password_makes_no_account(password, code):
    with pytest.raises(Invalid) as caught, transaction():
        accounts.create_user(email="eve@example.com", password=password)
    assert (caught.value.field, caught.value.code) == ("password", code)


def test_an_address_has_one_account(dora):
    with pytest.raises(Conflict) as caught, transaction():
        accounts.create_user(email="DORA@example.com", password=PASSWORD)
    assert caught.value.code == "email_taken"


def test_the_right_password_finds_the_person(dora):
    assert accounts.by_password(" DORA@example.com", PASSWORD).id == dora.id


@pytest.mark.parametrize(
    ("email", "password"),
    [("dora@example.com", "wrong password"), ("nobody@example.com", PASSWORD), ("", "")],
)
def test_a_wrong_password_and_an_unknown_address_are_told_alike(dora, email, password):
    with pytest.raises(Unauthorized) as caught:
        accounts.by_password(email, password)
    assert caught.value.code == "bad_credentials"


def test_a_disabled_person_gets_in_by_no_way(dora):
    key = key_of(dora)
    with transaction():
        token, _ = accounts.issue_token(dora)
        dora.disabled_at = utcnow()
    for enter in (
        lambda: accounts.by_password("dora@example.com", PASSWORD),
        lambda: accounts.by_key(key),
        lambda: accounts.by_token(token),
    ):
        with pytest.raises(Forbidden) as caught:
            enter()
        assert caught.value.code == "account_disabled"


def test_who_does_not_know_the_password_is_not_told_that_the_account_is_disabled(dora):
    with transaction():
        dora.disabled_at = utcnow()
    with pytest.raises(Unauthorized) as caught:
        accounts.by_password("dora@example.com", "wrong password")
    assert caught.value.code == "bad_credentials"


def test_passwords_and_keys_are_not_stored_in_the_clear(dora):
    key = key_of(dora)
    rows = db.session.execute(text("SELECT password_hash FROM users")).all()
    rows += db.session.execute(text("SELECT * FROM api_keys")).all()
    assert PASSWORD not in str(rows)
    assert key not in str(rows)
    assert "argon2id" in str(rows)


def test_a_revoked_key_opens_nothing(dora):
    key = key_of(dora)
    with transaction():
        accounts.current_key(dora).revoked_at = utcnow()
    with pytest.raises(Unauthorized) as caught:
        accounts.by_key(key)
    assert caught.value.code == "bad_api_key"
    with pytest.raises(NotFound):
        accounts.current_key(dora)


def test_the_newest_key_is_the_current_one(dora):
    with transaction():
        newer = accounts.create_key(dora, name="second")
    assert accounts.current_key(dora).id == newer.id


def test_a_token_works_for_a_day(dora):
    with transaction():
        token, row = accounts.issue_token(dora)
    assert accounts.by_token(token).id == dora.id
    with time_machine.travel(row.expires_at - timedelta(seconds=1), tick=False):
        assert accounts.by_token(token).id == dora.id
    with time_machine.travel(row.expires_at, tick=False), pytest.raises(Unauthorized):
        accounts.by_token(token)


def test_a_changed_password_replaces_the_old_one(dora):
    with transaction():
        accounts.change_password(dora, current=PASSWORD, new="another long password", keep=None)
    assert accounts.by_password("dora@example.com", "another long password").id == dora.id
    with pytest.raises(Unauthorized):
        accounts.by_password("dora@example.com", PASSWORD)


def test_a_changed_password_ends_tokens_and_every_sign_in_but_one(dora):
    with transaction():
        token, _ = accounts.issue_token(dora)
        here, there = (sign_ins.begin(dora, remember=True, address="", agent="") for _ in range(2))
    kept = sign_ins.find(here)
    assert kept is not None
    with transaction():
        accounts.change_password(dora, current=PASSWORD, new="another long password", keep=kept.id)
    with pytest.raises(Unauthorized):
        accounts.by_token(token)
    assert sign_ins.find(here) is not None
    assert sign_ins.find(there) is None


def test_a_changed_password_leaves_api_keys_alone(dora):
    key = key_of(dora)
    with transaction():
        accounts.change_password(dora, current=PASSWORD, new="another long password", keep=None)
    assert accounts.by_key(key).id == dora.id


@pytest.mark.parametrize(
    ("current", "new", "field", "code"),
    [
        ("wrong password", "another long password", "current_password", "wrong_password"),
        (PASSWORD, "short", "new_password", "password_too_short"),
    ],
)
def test_a_refused_change_of_password_names_the_field(dora, current, new, field, code):
    with pytest.raises(Invalid) as caught, transaction():
        accounts.change_password(dora, current=current, new=new, keep=None)
    assert (caught.value.field, caught.value.code) == (field, code)
    assert accounts.by_password("dora@example.com", PASSWORD).id == dora.id


@pytest.mark.parametrize(
    ("language", "theme", "field"), [("tlh", None, "language"), (None, "pink", "theme")]
)
def test_a_preference_there_is_not_is_refused(dora, language, theme, field):
    with pytest.raises(Invalid) as caught, transaction():
        accounts.prefer(dora, language=language, theme=theme)
    assert caught.value.field == field


def test_a_name_that_is_too_long_is_refused(dora):
    with pytest.raises(Invalid) as caught, transaction():
        accounts.rename(dora, "a" * 101)
    assert caught.value.field == "name"


def test_a_setup_link_makes_one_administrator():
    with transaction():
        token = accounts.new_setup_link()
    with transaction():
        user = accounts.set_up(token, email="root@example.com", password=PASSWORD)
    assert user.is_administrator
    with pytest.raises(NotFound), transaction():
        accounts.set_up(token, email="eve@example.com", password=PASSWORD)


def test_a_setup_link_is_replaced_by_the_next():
    with transaction():
        first = accounts.new_setup_link()
    with transaction():
        second = accounts.new_setup_link()
    accounts.check_setup_link(second)
    with pytest.raises(NotFound):
        accounts.check_setup_link(first)


def test_a_setup_link_dies_after_a_day():
    with transaction():
        token = accounts.new_setup_link()
    with time_machine.travel(utcnow() + accounts.SETUP_LIFETIME), pytest.raises(NotFound):
        accounts.check_setup_link(token)


def test_a_setup_link_is_worth_nothing_once_somebody_is_there():
    with transaction():
        token = accounts.new_setup_link()
    factories.user()
    with pytest.raises(NotFound) as caught:
        accounts.check_setup_link(token)
    assert caught.value.code == "setup_link_invalid"


def test_a_failed_setup_leaves_the_link_good():
    with transaction():
        token = accounts.new_setup_link()
    with pytest.raises(Invalid), transaction():
        accounts.set_up(token, email="root@example.com", password="short")
    accounts.check_setup_link(token)


def test_a_password_check_without_an_account_costs_a_whole_check(dora, monkeypatch):
    checked = []
    monkeypatch.setattr(passwords, "_hasher", _Recorder(checked))
    for email in ("nobody@example.com", "dora@example.com"):
        with pytest.raises(Unauthorized):
            accounts.by_password(email, "wrong password")
    cost = [argon2.extract_parameters(one) for one in checked]
    assert len(cost) == 2
    assert cost[0] == cost[1]


class _Recorder:
    def __init__(self, checked):
        self._checked = checked

    def verify(self, password_hash, password):
        self._checked.append(password_hash)
        return argon2.PasswordHasher().verify(password_hash, password)


def test_the_hash_of_nobody_is_no_bodys_password():
    assert passwords.matches(None, "nobody has this password") is False
