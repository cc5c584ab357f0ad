"""The unit of work: one commit a request or job, and what happens only after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, Update, event
from sqlalchemy.orm import Session

from app.extensions import db

log = structlog.get_logger(__name__)

_WRITING = "writing"
_AFTER_COMMIT = "after_commit"


@contextmanager
def transaction() -> Iterator[Session]:
    """Commits what the block did, or rolls all of it back when it raises.

    Begins a transaction of its own that may write: what was read before is read again under it,
    so a check made inside the block still holds at the commit. Blocks do not nest.
    """
    session: Session = db.session()
    if session.info.get(_WRITING):
        raise RuntimeError("transaction() does not nest: services flush, edges commit")
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("something was changed outside transaction()")
    session.rollback()
    session.info[_WRITING] = True
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(_WRITING, None)
    _run(session.info.pop(_AFTER_COMMIT, {}))


def after_commit(call: Callable[[], Any], *, key: object) -> None:
    """Parks `call` until the running transaction is committed; a rollback drops it.

    Of calls with the same `key` only the first is kept. A call that fails is logged and never
    raised: the database already holds the truth, and a sweep finds what was missed.
    """
    db.session().info.setdefault(_AFTER_COMMIT, {}).setdefault(key, call)


def rows_changed(statement: Update) -> int:
    """Executes a conditional UPDATE and tells how many rows met it: the house's mutex.

    Objects in the session are not brought up to date; refresh what is used afterwards.
    """
    options = {"synchronize_session": False}
    result = db.session.execute(statement, execution_options=options)
    return cast("CursorResult[Any]", result).rowcount


def is_writing(session: Session) -> bool:
    """Whether `session` is inside a transaction() block."""
    return bool(session.info.get(_WRITING))


def _run(calls: dict[object, Callable[[], Any]]) -> None:
    for call in calls.values():
        try:
            call()
        except Exception:
            log.exception("after_commit.failed")


@event.listens_for(Session, "after_rollback")
def _drop_parked_calls(session: Session) -> None:
    session.info.pop(_AFTER_COMMIT, None)
