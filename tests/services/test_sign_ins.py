"""Browsers in which people are signed in."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import text

from app import bell, topics
from app.clock import utcnow
from app.core.errors import NotFound
from app.extensions import db
from app.jobs.accounts import sweep
from app.models import SignIn, User
from app.services import sign_ins
from app.transaction import transaction
from tests import factories

pytestmark = pytest.mark.usefixtures("app_context")


@pytest.fixture
def dora() -> User:
    return factories.user(email="dora@example.com")


def signed_in(user: User, *, remember: bool = False) -> tuple[str, SignIn]:
    """The token and the row of a new sign-in."""
    with transaction():
        token = sign_ins.begin(user, remember=remember, address="192.0.2.7", agent="Firefox")
    row = sign_ins.find(token)
    assert row is not None
    return token, row


def test_a_token_stands_for_the_person(dora):
    _, row = signed_in(dora)
    assert (row.user_id, row.address, row.agent) == (dora.id, "192.0.2.7", "Firefox")


def test_the_token_itself_is_not_stored(dora):
    token, _ = signed_in(dora)
    assert token not in str(db.session.execute(text("SELECT * FROM sign_ins")).all())


@pytest.mark.parametrize("token", ["", "x", "wam_x"])
def test_a_strange_token_is_nobodys(dora, token):
    signed_in(dora)
    assert sign_ins.find(token) is None


@pytest.mark.parametrize(
    ("remember", "lasts"), [(True, timedelta(days=30)), (False, timedelta(hours=24))]
)
def test_a_sign_in_ends_when_it_was_not_used_for_long(dora, remember, lasts):
    token, row = signed_in(dora, remember=remember)
    end = row.created_at + lasts
    with time_machine.travel(end - timedelta(seconds=1), tick=False):
        assert sign_ins.find(token) is not None
    with time_machine.travel(end, tick=False):
        assert sign_ins.find(token) is None
        assert sign_ins.all_of(dora) == []


def test_use_puts_the_end_off_and_follows_the_address(dora):
    token, row = signed_in(dora)
    with time_machine.travel(row.created_at + timedelta(hours=23), tick=False), transaction():
        sign_ins.see(row.id, address="192.0.2.8", agent="Firefox")
    with time_machine.travel(row.created_at + timedelta(hours=46), tick=False):
        found = sign_ins.find(token)
    assert found is not None
    assert found.address == "192.0.2.8"


def test_use_is_noted_every_few_minutes_or_when_the_address_changes(dora):
    _, row = signed_in(dora)
    assert not sign_ins.is_stale(row, address="192.0.2.7")
    assert sign_ins.is_stale(row, address="192.0.2.8")
    with time_machine.travel(row.created_at + timedelta(minutes=6), tick=False):
        assert sign_ins.is_stale(row, address="192.0.2.7")


def test_one_sign_in_can_be_ended(dora):
    kept, _ = signed_in(dora)
    ended, row = signed_in(dora)
    with transaction():
        sign_ins.end(dora, row.id)
    assert sign_ins.find(ended) is None
    assert sign_ins.find(kept) is not None


def test_somebody_elses_sign_in_cannot_be_ended(dora):
    token, row = signed_in(dora)
    other = factories.user()
    for sign_in_id in (row.id, "sin_nothing"):
        with pytest.raises(NotFound), transaction():
            sign_ins.end(other, sign_in_id)
    assert sign_ins.find(token) is not None


def test_all_others_can_be_ended_and_nobody_elses_are(dora):
    here, row = signed_in(dora)
    there, _ = signed_in(dora)
    elses, _ = signed_in(factories.user())
    with transaction():
        sign_ins.end_all(dora, keep=row.id)
    assert [bool(sign_ins.find(token)) for token in (here, there, elses)] == [True, False, True]


def test_a_disabled_person_is_signed_in_nowhere(dora):
    token, _ = signed_in(dora)
    with transaction():
        dora.disabled_at = utcnow()
    assert sign_ins.find(token) is None


def test_ending_moves_what_open_pages_poll(dora):
    instance = factories.instance(dora)
    polled = (topics.instances_of(dora.id), topics.instance(instance.id))
    before = [bell.version(topic) for topic in polled]
    with transaction():
        sign_ins.end_all(dora)
    assert all(bell.version(topic) != seen for topic, seen in zip(polled, before, strict=True))


def test_what_is_over_is_forgotten(dora):
    _, row = signed_in(dora)
    lasting, _ = signed_in(dora, remember=True)
    with time_machine.travel(row.created_at + timedelta(hours=25), tick=False):
        sweep()
        assert [one.remembered for one in db.session.scalars(db.select(SignIn))] == [True]
        assert sign_ins.find(lasting) is not None
