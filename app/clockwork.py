"""The clock: a table of periodic work. Each run is claimed in the database, so that any number of
clocks, on any number of machines, fire it once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from app import create_app
from app.clock import utcnow
from app.config import Settings
from app.extensions import db
from app.models import Tick
from app.transaction import transaction

log = structlog.get_logger(__name__)

_LOOK_EVERY = 0.5  # seconds


@dataclass(frozen=True)
class Periodic:
    """A piece of work done over and over: `run` is the dotted path of a function that takes
    nothing, opens its own transactions and is safe to run twice."""

    name: str
    every: timedelta
    run: str


PERIODIC = (
    Periodic("reconcile_sessions", timedelta(seconds=3), "app.sessions.reconcile.reconcile"),
    Periodic("balance_sessions", timedelta(seconds=10), "app.sessions.balance.balance"),
    Periodic("sweep_webhooks", timedelta(seconds=2), "app.jobs.webhooks.sweep"),
    Periodic("clear_webhook_log", timedelta(hours=1), "app.jobs.webhooks.clear_log"),
    Periodic("look_for_trouble", timedelta(seconds=10), "app.jobs.notices.look"),
    Periodic("clear_journal", timedelta(hours=1), "app.jobs.accounts.clear_journal"),
    Periodic("clear_events", timedelta(minutes=10), "app.jobs.events.clear"),
    Periodic("sweep_imports", timedelta(seconds=3), "app.jobs.imports.sweep"),
    Periodic("sweep_contact_tasks", timedelta(seconds=3), "app.jobs.contact_tasks.sweep"),
    Periodic("end_pairings", timedelta(seconds=5), "app.sessions.abandoned.settle"),
    Periodic("finish_deletions", timedelta(seconds=1), "app.services.deletions.finish"),
    Periodic("sweep_media", timedelta(seconds=5), "app.jobs.media.sweep"),
    Periodic("sweep_files", timedelta(minutes=10), "app.jobs.media.sweep_files"),
    Periodic("expire_files", timedelta(hours=1), "app.jobs.media.expire"),
    Periodic("expire_messages", timedelta(seconds=5), "app.jobs.messages.expire"),
    Periodic("let_mutes_run_out", timedelta(seconds=10), "app.jobs.chats.let_mutes_run_out"),
    Periodic("sweep_accounts", timedelta(hours=1), "app.jobs.accounts.sweep"),
    Periodic("flush_api_calls", timedelta(seconds=10), "app.jobs.statistics.flush_calls"),
    Periodic("sweep_key_files", timedelta(hours=1), "app.sessions.key_files.sweep"),
)


def main(settings: Settings) -> None:
    """Runs PERIODIC until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with create_app(settings, web=False).app_context():
        while not stop.is_set():
            run_due(PERIODIC)
            stop.wait(_LOOK_EVERY)


def run_due(table: Sequence[Periodic]) -> None:
    """Runs what is due and not claimed by another clock. What fails is logged, and due again at
    its next time."""
    for work in table:
        try:
            if claim(work):
                function_of(work)()
        except DBAPIError as error:
            log.error("tick.failed", name=work.name, error=str(error.orig))
        except Exception:
            log.exception("tick.failed", name=work.name)
        finally:
            db.session.remove()


def claim(work: Periodic) -> bool:
    """Whether the run of `work` that is due now is ours; its next one is then set."""
    now = utcnow()
    due_at = db.session.scalar(select(Tick.due_at).where(Tick.name == work.name))
    if due_at is None:
        _add(work, now)
    elif due_at > now:
        return False
    with transaction() as session:
        moved = session.execute(
            update(Tick)
            .where(Tick.name == work.name, Tick.due_at <= now)
            .values(due_at=now + work.every)
        )
    return cast(CursorResult[Any], moved).rowcount == 1


def _add(work: Periodic, now: datetime) -> None:
    """Makes the row of new work, due at once."""
    try:
        with transaction() as session:
            session.add(Tick(name=work.name, due_at=now))
    except IntegrityError:
        log.debug("tick.known", name=work.name)  # another clock was first


def function_of(work: Periodic) -> Callable[[], object]:
    """The function that `work` names. Raises ImportError or AttributeError."""
    module, _, name = work.run.rpartition(".")
    function: Callable[[], object] = getattr(import_module(module), name)
    return function
