"""Sends what is due to webhook endpoints."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import partial

import structlog
from flask import Flask, current_app
from sqlalchemy.exc import OperationalError

from app import bell
from app.clock import utcnow
from app.config import settings_of
from app.core.errors import Conflict
from app.jobs.lanes import Lanes
from app.outgoing.sender import Sender
from app.services import deliveries, delivery_log, outbox
from app.services.deliveries import Outcome, Parcel
from app.transaction import again_when_beaten, transaction

log = structlog.get_logger(__name__)

TURN_SECONDS = 10.0
"""An endpoint that has more to get waits then until the others had their turn."""
RECORD_SECONDS = 0.1
RECORD_PAUSE = 0.5
WIDTH = 16
"""Endpoints that one process sends to at the same time."""
_LANES = "webhook_lanes"


def drain_endpoint(endpoint_id: str) -> None:
    """The job: hands the endpoint to one of this process's lanes and returns at once, so that a
    slow receiver holds up neither the queue nor anybody else's deliveries."""
    bell.started(outbox.JOB, endpoint_id)
    _lanes().ring(endpoint_id)


def sweep() -> None:
    """Rings for endpoints that something is due to while nobody sends to them: retries whose time
    has come, and whatever a lost job, a killed worker or an empty Redis left behind."""
    waiting = deliveries.waiting_endpoints()
    if not waiting:
        return
    with transaction():
        for endpoint_id in waiting:
            outbox.ring(endpoint_id)


def clear_log() -> None:
    """Removes what is older than the log is kept. Run by the clock."""
    while True:
        with transaction():
            count = delivery_log.clear()
        if not count:
            return


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
            if not _send_all(sender, parcels, lambda: stopping() or time.monotonic() > turn_ends):
                return True
    return False


def _send_all(sender: Sender, parcels: list[Parcel], is_over: Callable[[], bool]) -> bool:
    """Whether all were sent, in order, before it was over; the others are given back then.

    What was delivered is written down together, at the latest after RECORD_SECONDS: a killed worker
    sends again what it had not written down.
    """
    waiting = deque(parcels)
    made: list[Outcome] = []
    since = time.monotonic()
    try:
        while waiting and not is_over():
            made.append(_send(sender, waiting.popleft()))
            if not made[-1].answer.delivered or time.monotonic() - since > RECORD_SECONDS:
                made, since = _written_down(made), time.monotonic()
                if waiting and deliveries.is_paused(waiting[0].endpoint_id):
                    break
    finally:
        _written_down(made)
        if waiting:
            _release(list(waiting))
    return not waiting


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


def _send(sender: Sender, parcel: Parcel) -> Outcome:
    now = utcnow()
    answer = sender.post(
        parcel.url,
        parcel.body,
        parcel.headers_at(now),
        now=now,
        timeout=parcel.timeout,
        verify_tls=parcel.verify_tls,
    )
    return Outcome(parcel, answer, now)


def _written_down(outcomes: list[Outcome]) -> list[Outcome]:
    """Nothing more to write down: what was sent must be, or it is sent again.

    So a database that takes nothing (others have held its lock for long, its server starts anew) is
    asked again until the claims are over and somebody else may send. Raises its error then.
    """
    while outcomes:
        try:
            _write_down(outcomes)
            return []
        except (OperationalError, Conflict) as error:
            if utcnow() > outcomes[0].parcel.claimed_until:
                raise
            log.warning("delivery.not_written_down", count=len(outcomes), error=str(error)[:200])
            time.sleep(RECORD_PAUSE)
    return []


@again_when_beaten
def _write_down(outcomes: list[Outcome]) -> None:
    with transaction():
        deliveries.record(outcomes)
