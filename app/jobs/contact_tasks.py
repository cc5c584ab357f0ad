"""Does to many contacts what somebody wanted done to all that are found."""

from __future__ import annotations

import time

from app import bell
from app.clock import utcnow
from app.extensions import db
from app.services import contact_tasks
from app.transaction import again_when_beaten, transaction

_TURN_SECONDS = 60.0
"""A long one lets others have the worker in between."""


def run(task_id: str) -> None:
    """The job: goes on from where it stands, to its end. One that is killed is taken up again by
    the sweep."""
    bell.started(contact_tasks.JOB, task_id)
    until = time.monotonic() + _TURN_SECONDS
    while do_batch(task_id):
        db.session.expunge_all()  # else all contacts are in memory in the end
        if time.monotonic() > until:
            with transaction():
                contact_tasks.take_up(task_id)
            return


@again_when_beaten
def do_batch(task_id: str) -> bool:
    """One batch, in one transaction; whether there may be more."""
    with transaction():
        return contact_tasks.do_batch(task_id)


def sweep() -> None:
    """Rings for those that do not get on; run by the clock."""
    waiting = contact_tasks.stalled(utcnow())
    if not waiting:
        return
    with transaction():
        for task_id in waiting:
            contact_tasks.take_up(task_id)
