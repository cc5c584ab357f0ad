"""Calls of a contact on the network: its log shows whether they were rejected."""

from __future__ import annotations

from flask import Flask

from app.extensions import db
from app.models import Instance, User
from app.services import activity, conduct
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for


def journal(app: Flask, instance_id: str) -> list[str]:
    """The kinds of the lines on calls, oldest first."""
    with app.app_context():
        lines = activity.latest(db.session.get_one(Instance, instance_id), limit=100)
        return [line.kind for line in reversed(lines) if line.kind.startswith("call:")]


def ends(product: Product, call: str) -> list[str]:
    """Why the call has ended, by the network's log."""
    told = [one for one in product.sandbox.client.log() if one["kind"] == "call_ended"]
    return [one["reason"] for one in told if one["id"] == call]


def test_calls_are_told_and_rejected_once_that_is_switched_on(
    linked: tuple[Product, str], bob: User
) -> None:
    product, instance_id = linked
    client, app = product.sandbox.client, product.app
    ignored = client.call(PEER_NUMBER, OWN_NUMBER)
    wait_for(lambda: journal(app, instance_id) == ["call:voice:received"], PATIENCE, "it is told")
    product.act(conduct.reject_calls, instance_id, on=True, actor=bob)

    rejected = client.call(PEER_NUMBER, OWN_NUMBER, video=True)

    wait_for(lambda: ends(product, rejected) == ["rejected"], PATIENCE, "the caller is told")
    wait_for(lambda: len(journal(app, instance_id)) == 2, PATIENCE, "it is in the journal")
    assert journal(app, instance_id)[1] == "call:video:rejected"
    assert ends(product, ignored) == []
    assert client.state()["unhandled"] == []
