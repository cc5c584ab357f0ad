"""An instance with a phone linked, and one without."""

from __future__ import annotations

import pytest
from flask.ctx import AppContext

from app.core.states import InstanceState
from app.models import Chat, Instance, LinkedAccount, User
from tests import factories


@pytest.fixture
def instance(app_context: AppContext, bob: User) -> Instance:
    """bob's instance, never linked."""
    return factories.instance(bob, name="Shop")


@pytest.fixture
def linked(app_context: AppContext, bob: User) -> Instance:
    """bob's instance with a phone linked and connected."""
    instance = factories.instance(bob, name="Linked", state=InstanceState.CONNECTED)
    factories.linked_account(instance, phone="79160000001", lid="100000000001")
    return instance


@pytest.fixture
def account(linked: Instance) -> LinkedAccount:
    """The account of `linked`."""
    assert linked.account is not None
    return linked.account


@pytest.fixture
def chat(account: LinkedAccount) -> Chat:
    """A chat of `account` with one person."""
    return factories.chat(account, phone="79161234567", lid="200000000001", name="Anna")
