"""Blocking by number over the API."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from app.core.states import InstanceState
from app.extensions import db
from app.models import GroupWish, Instance, User
from app.services import accounts
from app.transaction import transaction
from tests import factories
from tests.api.test_documentation import whatsapp_does_what_is_wished


def test_a_number_is_blocked_and_unblocked_by_the_session(app: Flask, bob: User) -> None:
    with app.app_context():
        shop = factories.instance(bob, state=InstanceState.CONNECTED)
        shop_id = shop.id
        factories.linked_account(shop)
        with transaction():
            headers = {"X-API-Key": accounts.create_key(bob).key_encrypted}
    place = f"/api/instances/{shop_id}/blocked/+7 916 123-45-68"
    client = app.test_client()
    with whatsapp_does_what_is_wished(app):
        blocked = client.put(place, headers=headers)
        unblocked = client.delete(place, headers=headers)
    assert (blocked.status_code, unblocked.status_code) == (200, 200)
    assert blocked.json["blocked"] is True
    assert unblocked.json == blocked.json | {"blocked": False}
    assert blocked.json["id"] == "79161234568@s.whatsapp.net"
    with app.app_context():
        acts = db.session.scalars(select(GroupWish.act).order_by(GroupWish.asked_at)).all()
        assert acts == ["block", "unblock"]
        with transaction() as session:
            session.get_one(Instance, shop_id).state = InstanceState.DISCONNECTED
    refused = client.put(place, headers=headers)
    assert (refused.status_code, refused.json["code"]) == (409, "not_connected")
    wrong = client.put(f"/api/instances/{shop_id}/blocked/nobody", headers=headers)
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "to")
