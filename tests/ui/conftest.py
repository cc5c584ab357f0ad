"""Browsers of the cast."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core.states import InstanceState
from app.models import Instance, LinkedAccount, User
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser


@pytest.fixture
def anybody(app: Flask) -> Browser:
    """A browser of somebody who is not signed in."""
    return Browser(app.test_client())


@pytest.fixture
def bobs(app: Flask, bob: User) -> Browser:
    """Bob's browser."""
    return Browser(app.test_client()).sign_in(bob)


@pytest.fixture
def charlies(app: Flask, charlie: User) -> Browser:
    """Charlie's browser."""
    return Browser(app.test_client()).sign_in(charlie)


@pytest.fixture
def shop(app: Flask, bob: User) -> Instance:
    """An instance of Bob's, never linked."""
    with app.app_context():
        return factories.instance(bob, name="Shop")


@pytest.fixture
def account(app: Flask, shop: Instance) -> LinkedAccount:
    """A phone linked to the shop, which is connected."""
    with app.app_context():
        with transaction() as session:
            session.get_one(Instance, shop.id).state = InstanceState.CONNECTED
        return factories.linked_account(shop)
