"""The unit of work: one commit a request or job, and what happens only after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import structlog
from sqlalchemy import CursorResult, Update, event, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.core.errors import Conflict
from app.extensions import db
from app.models.base import Base

P = ParamSpec("P")
T = TypeVar("T")
Call = TypeVar("Call", bound=Callable[[], Any])

log = structlog.get_logger(__name__)

_WRITING = "writing"
_BEFORE_COMMIT = "before_commit"
_AFTER_COMMIT = "after_commit"
_AFTER_ROLLBACK = "after_rollback"
_TRIES = 3
_BEATEN = {"40001", "40P01"}  # PostgreSQL: could not serialize, deadlock detected


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
        session.flush()
        for call, items in _in_one_order(session.info.pop(_BEFORE_COMMIT, {})):
            call(items)
        session.commit()
    except BaseException:
        session.rollback()
        _drop_parked_calls(session)  # where nothing was executed yet, no rollback is told
        session.info.pop(_WRITING, None)
        _run(session.info.pop(_AFTER_ROLLBACK, {}))
        raise
    finally:
        session.info.pop(_WRITING, None)
        session.info.pop(_AFTER_ROLLBACK, None)
    _run(session.info.pop(_AFTER_COMMIT, {}))


def before_commit(call: Callable[[list[Any]], None], item: Any) -> None:
    """Has `call` work with all items that are named for it, as the last thing before the running
    transaction is committed: for what takes a lock that many wait for. A rollback drops them.

    Of several calls the order is always the same, that of their modules' names: no two
    transactions that take the same locks wait for each other."""
    db.session().info.setdefault(_BEFORE_COMMIT, {}).setdefault(call, []).append(item)


def after_commit(call: Call, *, key: object) -> Call:
    """Parks `call` until the running transaction is committed; a rollback drops it.

    Of calls with the same `key` only the first is kept, and given back. A call that fails is
    logged and never raised: the database already holds the truth, and a sweep finds what was
    missed.
    """
    kept: Call = db.session().info.setdefault(_AFTER_COMMIT, {}).setdefault(key, call)
    return kept


def after_rollback(call: Callable[[], Any], *, key: object) -> None:
    """Has `call` done in a transaction of its own if the running one is rolled back; a commit drops
    it. A call that fails is logged and never raised."""

    def do() -> None:
        with transaction():
            call()

    db.session().info.setdefault(_AFTER_ROLLBACK, {}).setdefault(key, do)


def rows_changed(statement: Update) -> int:
    """Executes a conditional UPDATE and tells how many rows met it: the house's mutex.

    Objects in the session are not brought up to date; refresh what is used afterwards.
    """
    options = {"synchronize_session": False}
    result = db.session.execute(statement, execution_options=options)
    return cast("CursorResult[Any]", result).rowcount


def again_when_beaten(call: Callable[P, T]) -> Callable[P, T]:
    """`call`, done again from its start when another transaction was first: it added the same row,
    or the two waited for each other. Then `call` finds what the other one left.

    For what holds one transaction() and does nothing outside it before. Raises Conflict when it
    is beaten every time.
    """

    @wraps(call)
    def persistent(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(1, _TRIES + 1):
            try:
                return call(*args, **kwargs)
            except DBAPIError as error:
                if not _was_beaten(error):
                    raise
                log.info("transaction.beaten", attempt=attempt, error=type(error.orig).__name__)
                last = error
        raise Conflict() from last

    return persistent


def hold(row: Base) -> None:
    """Reads `row` anew, and lets nobody else change it until the running transaction ends: for
    what is decided by looking. SQLite needs no word of it, a transaction() there is alone."""
    if db.session.get_bind().dialect.name != "sqlite":
        db.session.flush()
        db.session.refresh(row, with_for_update={"of": type(row), "key_share": True})


def alone(subject: str) -> None:
    """Lets no other transaction that names the same `subject` go on before the running one ends:
    for rules that no row and no constraint can hold."""
    if db.session.get_bind().dialect.name != "sqlite":
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(subject, 0))))


def is_writing(session: Session) -> bool:
    """Whether `session` is inside a transaction() block."""
    return bool(session.info.get(_WRITING))


def _was_beaten(error: DBAPIError) -> bool:
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in _BEATEN


def _in_one_order(parked: dict[Callable[..., None], list[Any]]) -> list[Any]:
    return sorted(parked.items(), key=lambda one: one[0].__module__ or "")


def _run(calls: dict[object, Callable[[], Any]]) -> None:
    for call in calls.values():
        try:
            call()
        except Exception:
            log.exception("after_transaction.failed")


@event.listens_for(Session, "after_rollback")
def _drop_parked_calls(session: Session) -> None:
    session.info.pop(_BEFORE_COMMIT, None)
    session.info.pop(_AFTER_COMMIT, None)
