"""A receiver on this machine, and a deployment that allows to send to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.ctx import AppContext

from app.config import Settings
from app.core.events import Event
from app.models import Endpoint, Instance, User
from app.services import outbox
from app.transaction import transaction
from tests import factories
from tests.receiver import Receiver, running_receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings that let webhooks go to this machine."""
    return settings.model_copy(update={"webhook_private_addresses": True})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that answers 200."""
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def instance(app_context: AppContext, bob: User) -> Instance:
    """An instance of bob's."""
    return factories.instance(bob)


@pytest.fixture
def endpoint(instance: Instance, receiver: Receiver) -> Endpoint:
    """The instance's endpoint, which is told of received messages at the receiver."""
    return factories.endpoint(instance, url=receiver.url, secret=SECRET)


@pytest.fixture
def emit(instance: Instance) -> Callable[..., None]:
    """Commits one received message's event, with `body` as its text."""

    def commit_event(body: str = "Hello", **data: Any) -> None:
        with transaction():
            outbox.emit(instance.id, Event.MESSAGE_RECEIVED, {"body": body, **data})

    return commit_event
