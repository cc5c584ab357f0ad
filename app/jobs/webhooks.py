"""Sends what is due to webhook endpoints."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from flask import Flask, current_app

from app import bell
from app.clock import utcnow
from app.config import settings_of
from app.jobs.lanes import Lanes
from app.outgoing.sender import Answer, Sender
from app.services import deliveries, webhooks
from app.services.deliveries import Parcel
from app.transaction import again_when_beaten, transaction

TURN_SECONDS = 10.0
"""An endpoint that has more to get waits then until the others had their turn."""
WIDTH = 16
"""Endpoints that one process sends to at the same time."""
_LANES = "webhook_lanes"


def drain_endpoint(endpoint_id: str) -> None:
    """The job: hands the endpoint to one of this process's lanes and returns at once, so that a
    slow receiver holds up neither the queue nor anybody else's deliveries."""
    bell.started(webhooks.JOB, endpoint_id)
    _lanes().ring(endpoint_id)


def sweep() -> None:
    """Rings for endpoints that something is due to while nobody sends to them: retries whose time
    has come, and whatever a lost job, a killed worker or an empty Redis left behind."""
    waiting = deliveries.waiting_endpoints()
    if not waiting:
        return
    with transaction():
        for endpoint_id in waiting:
            webhooks.ring(endpoint_id)


def stop() -> None:
    """Ends this process's lanes; what they have in hand is finished first."""
    lanes: Lanes | None = current_app.extensions.pop(_LANES, None)
    if lanes is not None:
        lanes.stop()


def drain(endpoint_id: str, *, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Sends what is due to the endpoint over one line; whether its turn ended before that was
    all. Needs an application context."""
    turn_ends = time.monotonic() + TURN_SECONDS
    private_allowed = settings_of(current_app).webhook_private_addresses
    with Sender(private_allowed=private_allowed) as sender:
        while parcels := _claim(endpoint_id):
            while parcels:
                if stopping() or time.monotonic() > turn_ends:
                    _release(parcels)
                    return True
                _send(sender, parcels.pop(0))
    return False


def _lanes() -> Lanes:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if _LANES not in app.extensions:
        app.extensions[_LANES] = Lanes(partial(_drain_in, app), width=WIDTH)
    lanes: Lanes = app.extensions[_LANES]
    return lanes


def _drain_in(app: Flask, endpoint_id: str) -> bool:
    with app.app_context():
        lanes: Lanes | None = app.extensions.get(_LANES)
        return drain(endpoint_id, stopping=lambda: lanes is None or lanes.stopping)


def _claim(endpoint_id: str) -> list[Parcel]:
    with transaction():
        return deliveries.claim(endpoint_id)


def _release(parcels: list[Parcel]) -> None:
    with transaction():
        deliveries.release(parcels)


def _send(sender: Sender, parcel: Parcel) -> None:
    now = utcnow()
    answer = sender.post(parcel.url, parcel.body, parcel.headers_at(now), now=now)
    _record(parcel, answer, now)


@again_when_beaten
def _record(parcel: Parcel, answer: Answer, started_at: datetime) -> None:
    """What was sent must be written down, or it is sent again."""
    with transaction():
        deliveries.record(parcel, answer, started_at=started_at)
