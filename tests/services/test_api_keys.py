"""API keys: replaced at once, or with time to give programs the new one."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from app.clock import utcnow
from app.core.errors import Unauthorized
from app.models import User
from app.services import accounts, api_keys
from app.services.api_keys import Grace
from app.transaction import transaction
from tests import factories

pytestmark = pytest.mark.usefixtures("app_context")
LASTS = {Grace.HOUR: timedelta(hours=1), Grace.DAY: timedelta(days=1), Grace.WEEK: timedelta(7)}


@pytest.fixture
def dora() -> User:
    user = factories.user()
    with transaction():
        accounts.create_key(user)
    return user


def key_of(user: User) -> str:
    return accounts.current_key(user).key_encrypted


def rotated(user: User, grace: Grace) -> str:
    with transaction():
        return api_keys.rotate(user, grace=grace).key_encrypted


def works(key: str) -> bool:
    try:
        return bool(accounts.by_key(key))
    except Unauthorized:
        return False


def test_a_new_key_takes_the_place_of_the_old_one(dora):
    old = key_of(dora)
    new = rotated(dora, Grace.NONE)
    assert key_of(dora) == new
    assert (works(old), works(new)) == (False, True)


@pytest.mark.parametrize("grace", LASTS)
def test_the_old_key_works_until_its_grace_is_over(dora, grace):
    old = key_of(dora)
    rotated(dora, grace)
    [former] = api_keys.former_keys(dora)
    assert former.key_encrypted == old
    with time_machine.travel(former.revoked_at - timedelta(seconds=1), tick=False):
        assert works(old)
    with time_machine.travel(former.revoked_at, tick=False):
        assert not works(old)
        assert api_keys.former_keys(dora) == []
    assert abs(former.revoked_at - utcnow() - LASTS[grace]) < timedelta(minutes=1)


def test_a_later_rotation_never_lengthens_a_grace(dora):
    first = key_of(dora)
    rotated(dora, Grace.HOUR)
    rotated(dora, Grace.WEEK)
    with time_machine.travel(utcnow() + timedelta(hours=2)):
        assert not works(first)


def test_a_rotation_without_grace_ends_every_key_there_was(dora):
    keys = [key_of(dora), rotated(dora, Grace.WEEK)]
    new = rotated(dora, Grace.NONE)
    assert [works(key) for key in [*keys, new]] == [False, False, True]


def test_old_keys_can_be_ended_before_their_time(dora):
    old = key_of(dora)
    new = rotated(dora, Grace.WEEK)
    with transaction():
        api_keys.end_former(dora)
    assert (works(old), works(new)) == (False, True)


def test_a_rotation_leaves_other_peoples_keys_alone(dora):
    other = factories.user()
    with transaction():
        key = accounts.create_key(other).key_encrypted
    rotated(dora, Grace.NONE)
    assert works(key)


def test_use_is_noted_every_few_minutes(dora):
    key = accounts.current_key(dora)
    assert api_keys.is_use_due(key)
    with transaction():
        api_keys.note_use(key.id)
    assert not api_keys.is_use_due(accounts.current_key(dora))
    with time_machine.travel(utcnow() + timedelta(minutes=6)):
        assert api_keys.is_use_due(accounts.current_key(dora))
