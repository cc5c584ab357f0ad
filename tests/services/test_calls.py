"""Calls: kept once, told once, rejected only while they ring."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.clock import utcnow
from app.extensions import db
from app.models import Activity, Call, Instance, LinkedAccount
from app.models.call import Fate
from app.services import calls
from app.transaction import transaction
from tests import factories


def offer(account: LinkedAccount, *, ago: float = 0, reject: bool = True, **changes: Any) -> bool:
    """Tells of a call; whether it is to be rejected."""
    fields = {"wa_id": "C1", "phone": "79161234567", "lid": "5", "is_group": False, "video": False}
    at = utcnow() - timedelta(seconds=ago)
    with transaction() as session:
        row = session.get_one(LinkedAccount, account.id)
        return calls.offered(row, calls.Offer(**fields | changes, at=at), reject=reject)


def told() -> list[str]:
    """The journal's lines on calls."""
    lines = db.session.scalars(select(Activity).order_by(Activity.id))
    return [line.kind for line in lines if line.kind.startswith("call:")]


def fates() -> list[str]:
    return list(db.session.scalars(select(Call.fate).order_by(Call.id)))


@pytest.mark.parametrize(
    ("ago", "reject", "rings"),
    [(0, True, True), (59, True, True), (61, True, False), (0, 0, False)],
)
def test_only_a_fresh_call_is_to_be_rejected(account, ago, reject, rings):
    assert offer(account, ago=ago, reject=bool(reject)) is rings
    assert fates() == [Fate.RINGING if rings else Fate.LEFT]
    assert told() == ([] if rings else ["call:voice:received"])


def test_call_is_decided_once(account):
    offer(account)
    for fate in (Fate.REJECTED, Fate.LEFT):
        with transaction() as session:
            calls.settle(session.scalars(select(Call)).one(), fate)
    assert offer(account) is False
    assert (fates(), told()) == ([Fate.REJECTED], ["call:voice:rejected"])


def test_call_that_ended_is_left(account):
    offer(account)
    with transaction() as session:
        row = session.get_one(LinkedAccount, account.id)
        calls.ended(row, "another")
        assert fates() == [Fate.RINGING]
        calls.ended(row, "C1")
    assert (fates(), told()) == ([Fate.LEFT], ["call:voice:received"])


def test_calls_of_two_accounts_may_have_one_id(account, bob):
    other = factories.linked_account(factories.instance(bob), phone="79160000001")
    assert offer(account)
    assert offer(other)


def test_caller_is_called_as_the_contacts_call_them(account):
    instance = db.session.get_one(Instance, account.instance_id)
    factories.contact(instance, name="Мама", phone="79161234567")
    offer(account, reject=False, lid=None)
    [line] = db.session.scalars(select(Activity).where(Activity.kind.startswith("call:")))
    assert line.detail["caller"] == "Мама, +7 916 123-45-67"
