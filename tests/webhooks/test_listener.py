"""`flask webhooks listen`, told by the product's own sender."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from app.core.events import Event
from app.jobs import webhooks as job
from app.models import Endpoint
from app.services import outbox, webhooks
from app.transaction import transaction
from app.webhook_listener import faults_in, listener
from tests import factories
from tests.waiting import wait_for

SECRET = "whsec_c2VjcmV0IG9mIHRoZSBsaXN0ZW5lcg=="


class Heard:
    """A listener in this process, and what it said."""

    def __init__(self, secret: str, status: int = 200):
        self.said: list[str] = []
        self._server = listener("127.0.0.1", 0, secret, status, self.said.append)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(params=[SECRET])
def heard(request: pytest.FixtureRequest) -> Iterator[Heard]:
    heard = Heard(request.param)
    yield heard
    heard.close()


def tell(instance, url: str, secret: str = SECRET) -> None:
    """Has the product send an event to the listener."""
    endpoint = factories.endpoint(instance, url=url, secret=secret)
    with transaction():
        outbox.emit(instance.id, Event.MESSAGE_RECEIVED, {"body": "Привет"})
    job.drain(endpoint.id)


def test_an_event_is_printed_with_the_word_that_its_signatures_are_right(instance, heard):
    tell(instance, heard.url)
    wait_for(lambda: heard.said)
    assert "signatures are right" in heard.said[0]
    assert '"body": "Привет"' in heard.said[0]


def test_an_event_that_another_secret_signed_is_found_out(instance, heard):
    tell(instance, heard.url, secret="another secret")
    wait_for(lambda: heard.said)
    assert "X-Webhook-Signature is wrong; webhook-signature is wrong" in heard.said[0]


def test_the_secret_before_the_new_one_is_right_while_both_count(instance, heard, bob):
    endpoint = factories.endpoint(instance, url=heard.url, secret=SECRET)
    with transaction() as session:
        webhooks.rotate_secret(session.get_one(Endpoint, endpoint.id), actor=bob)
        outbox.emit(instance.id, Event.MESSAGE_RECEIVED, {"body": "Привет"})
    job.drain(endpoint.id)
    wait_for(lambda: heard.said)
    assert "signatures are right" in heard.said[0]


@pytest.mark.parametrize("heard", [""], indirect=True)
def test_without_a_secret_it_says_that_nothing_was_checked(instance, heard):
    tell(instance, heard.url)
    wait_for(lambda: heard.said)
    assert "not checked: no secret" in heard.said[0]


@pytest.mark.parametrize("moment", ["", "soon", "1000"])
def test_a_request_that_somebody_kept_is_told_by_its_time(moment: str) -> None:
    headers = {"webhook-timestamp": moment}
    assert "webhook-timestamp is not of now" in faults_in(SECRET, headers, b"{}", 2000.0)
