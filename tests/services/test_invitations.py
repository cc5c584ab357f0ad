"""Invitations, and links for a forgotten password."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import text

from app.clock import utcnow
from app.core.errors import Conflict, Invalid, NotFound, Unauthorized
from app.extensions import db
from app.jobs.accounts import sweep
from app.models import Invitation, PasswordReset, User
from app.models.user import ADMINISTRATOR, USER
from app.services import accounts, invitations, password_resets, sign_ins
from app.transaction import transaction
from tests import factories

pytestmark = pytest.mark.usefixtures("app_context")
PASSWORD = "another long password"


@pytest.fixture
def root() -> User:
    return factories.user(role=ADMINISTRATOR)


def invited(root: User, **options) -> str:
    with transaction():
        return invitations.create(actor=root, **options).token_encrypted


def accept(token: str, email: str = "eve@example.com", password: str = PASSWORD) -> User:
    with transaction():
        return invitations.accept(token, email=email, password=password, name="Eve")


def test_an_invitation_makes_an_account_as_it_says(root):
    user = accept(invited(root, role=USER, instance_limit=3))
    assert (user.email, user.role, user.instance_limit) == ("eve@example.com", USER, 3)
    assert accounts.by_password("eve@example.com", PASSWORD).id == user.id


def test_an_invitation_may_make_an_administrator(root):
    assert accept(invited(root, role=ADMINISTRATOR)).is_administrator


def test_an_invitation_works_once(root):
    token = invited(root)
    accept(token)
    with pytest.raises(NotFound) as caught:
        accept(token, email="mallory@example.com")
    assert caught.value.code == "invitation_invalid"


@pytest.mark.parametrize(
    ("email", "password", "error"),
    [
        ("nonsense", PASSWORD, Invalid),
        ("eve@example.com", "short", Invalid),
        ("taken@example.com", PASSWORD, Conflict),
    ],
)
def test_a_refused_account_leaves_the_invitation_good(root, email, password, error):
    factories.user(email="taken@example.com")
    token = invited(root)
    with pytest.raises(error):
        accept(token, email=email, password=password)
    assert accept(token).email == "eve@example.com"


def test_an_invitation_ends_when_it_says(root):
    token = invited(root, days=2)
    end = invitations.find(token).expires_at
    assert abs(end - utcnow() - timedelta(days=2)) < timedelta(minutes=1)
    with time_machine.travel(end, tick=False), pytest.raises(NotFound):
        invitations.find(token)


def test_an_invitation_can_be_taken_back(root):
    token = invited(root)
    with transaction():
        invitations.take_back(invitations.find(token).id, actor=root)
    assert invitations.open_ones() == []
    with pytest.raises(NotFound):
        accept(token)


def test_one_that_was_used_cannot_be_taken_back(root):
    token = invited(root)
    invitation_id = invitations.find(token).id
    accept(token)
    with pytest.raises(NotFound), transaction():
        invitations.take_back(invitation_id, actor=root)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"days": 0}, "days"),
        ({"days": 31}, "days"),
        ({"role": "king"}, "role"),
        ({"email": "nonsense"}, "email"),
        ({"instance_limit": -1}, "instance_limit"),
    ],
)
def test_an_invitation_that_cannot_be_names_the_field(root, options, field):
    with pytest.raises(Invalid) as caught, transaction():
        invitations.create(actor=root, **options)
    assert caught.value.field == field


def test_links_are_not_stored_in_the_clear(root):
    invitation = invited(root)
    with transaction():
        reset, _ = password_resets.create(root, actor=root)
    rows = db.session.execute(text("SELECT * FROM invitations")).all()
    rows += db.session.execute(text("SELECT * FROM password_resets")).all()
    assert invitation not in str(rows)
    assert reset not in str(rows)


def test_a_reset_link_sets_a_password_and_ends_every_sign_in(root):
    with transaction():
        browser = sign_ins.begin(root, remember=True, address="", agent="")
        token, _ = password_resets.create(root, actor=root)
    with transaction():
        password_resets.use(token, password=PASSWORD)
    assert accounts.by_password(root.email, PASSWORD).id == root.id
    assert sign_ins.find(browser) is None
    with pytest.raises(Unauthorized):
        accounts.by_password(root.email, factories.PASSWORD)


def test_a_reset_link_works_once(root):
    with transaction():
        token, _ = password_resets.create(root, actor=root)
    with transaction():
        password_resets.use(token, password=PASSWORD)
    with pytest.raises(NotFound) as caught, transaction():
        password_resets.use(token, password="a third long password")
    assert caught.value.code == "reset_link_invalid"


def test_a_reset_link_stays_good_when_the_password_is_refused(root):
    with transaction():
        token, _ = password_resets.create(root, actor=root)
    with pytest.raises(Invalid), transaction():
        password_resets.use(token, password="short")
    assert password_resets.owner_of(token).id == root.id


def test_a_reset_link_is_replaced_by_the_next_and_dies_after_a_day(root):
    with transaction():
        first, _ = password_resets.create(root, actor=root)
    with transaction():
        second, row = password_resets.create(root, actor=root)
    with pytest.raises(NotFound):
        password_resets.owner_of(first)
    assert password_resets.owner_of(second).id == root.id
    with time_machine.travel(row.expires_at, tick=False), pytest.raises(NotFound):
        password_resets.owner_of(second)


def test_a_reset_link_does_not_let_a_disabled_person_in(root):
    with transaction():
        token, _ = password_resets.create(root, actor=root)
        root.disabled_at = utcnow()
    with pytest.raises(NotFound):
        password_resets.owner_of(token)


def test_links_that_are_long_over_are_forgotten(root):
    invited(root)
    with transaction():
        password_resets.create(root, actor=root)
    with time_machine.travel(utcnow() + timedelta(days=invitations.DEFAULT_DAYS + 31)):
        sweep()
    assert db.session.scalars(db.select(Invitation)).all() == []
    assert db.session.scalars(db.select(PasswordReset)).all() == []
