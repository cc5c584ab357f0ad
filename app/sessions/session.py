"""One live session: a thread that opens it, keeps it, drains its outbox, and closes it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ParamSpec

import structlog
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from app.clock import utcnow
from app.config import Settings
from app.core.backoff import delay_before, with_jitter
from app.core.chat_states import Signal
from app.core.errors import Conflict
from app.core.presence import Presence
from app.core.reasons import REASONS
from app.core.states import DesiredState, InstanceState
from app.engine.base import Engine
from app.engine.errors import EngineError, KeysMissing, LinkEnded
from app.extensions import db
from app.models import Instance, LinkedAccount
from app.services import instances
from app.services import sessions as wishes
from app.sessions import key_files, leases, spool
from app.sessions.calls import Rejecting
from app.sessions.chores import Chores
from app.sessions.inbox import Inbox
from app.sessions.leases import Held, LeaseLost, holding
from app.sessions.line import Line
from app.sessions.outbox import Outbox
from app.sessions.states import TAKEN_BACK
from app.sessions.takeover import Takeover
from app.sessions.watchdog import Watchdog

log = structlog.get_logger(__name__)
P = ParamSpec("P")

FIRST_RETRY = timedelta(seconds=2)
LONGEST_RETRY = timedelta(minutes=5)
ENGINE_RECONNECTS_FOR = 60.0
"""Seconds that the engine has to reconnect by itself; its pauses grow without end, ours do not."""
_IDLE_SECONDS = 30.0  # the host wakes the session when there is something to do
_PRESENCE_SECONDS = 2.0  # between tries to be shown as online, or not
_PROXY_SECONDS = 5.0  # between looks at a proxy through which the connection was lost
_TROUBLE_SECONDS = 2.0  # after the database did not answer
_SIGN_OUT_SECONDS = 5.0  # for a connection that is just being made


class _End(Exception):
    """The session is over; how it ended is written down already."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the instance's row says now."""

    desired: DesiredState
    retry_at: datetime | None
    online: bool
    contacts_at: datetime | None  # since when WhatsApp's contacts are to be read


class LiveSession:
    """The session of one instance, under one lease. Made and started by the host.

    `on_end` is called once, on the session's own thread, when nothing of it is left.
    Raises SpoolInUse, OSError when the spool cannot be opened.
    """

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        engine: Engine,
        held: Held,
        account: LinkedAccount,
        *,
        on_end: Callable[[LiveSession], None],
    ) -> None:
        self.held = held
        self._app = app
        self._settings = settings
        self._key_store = account.key_store
        self._jid = account.device_jid
        self._on_end = on_end
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._lost = False
        self._end_reason = "host_lost"
        self._announced = False
        self._prepared = False
        self._failures = 0
        self._tried_at = utcnow()
        self._spool = spool.path_for(settings.spool_dir, account.id, held.epoch)
        self.inbox = Inbox(app, engine, held, account.id, self._spool)
        self._line = Line(
            engine,
            settings,
            jid=account.device_jid,
            key_store=account.key_store,
            sink=self.inbox.put,
            notify=self._wake.set,
        )
        self.inbox.on_event = self._line.heard
        self._watchdog = Watchdog(
            self._line, every=settings.session_check_seconds, on_proof=self._proven
        )
        self.inbox.on_doubt = self._watchdog.hurry
        self._takeover = Takeover(held)
        self.inbox.is_contested = self._takeover.explains_replacement
        self._outbox = Outbox(
            app,
            held,
            account.id,
            self.inbox,
            self._line,
            gap_ms=settings.send_gap_ms,
            closing=self._closing,
        )
        self._chores = Chores(app, held, account)
        self.inbox.on_groups = self._waking(self._chores.hear_of_groups)
        self.inbox.on_blocklist = self._waking(self._chores.hear_of_blocklist)
        self.inbox.on_news = self._waking(self._chores.hear_messages)
        self._rejecting = Rejecting(app, held, account.id)
        self.inbox.on_call = self._waking(self._rejecting.ring)
        self._thread = threading.Thread(
            target=self._run, name=f"session {held.instance_id}", daemon=True
        )

    def start(self) -> None:
        """Begins to open the session, on a thread of its own."""
        self._thread.start()

    def wake(self) -> None:
        """Makes the session look at its rows: something is queued, or wanted of it."""
        self._wake.set()

    def hint(self, what: Signal, address: str) -> None:
        """Has the session do something that is of use only now."""
        if self._chores.hear_signal(what, address):
            self._wake.set()

    def close(self, *, lost: bool = False, reason: str = "host_lost") -> None:
        """Asks the session to end, for a slug of core.reasons; `join` waits for it. A `lost` one
        writes nothing any more."""
        self._lost = self._lost or lost
        self._end_reason = reason
        self._closing.set()
        self._wake.set()

    def join(self, seconds: float) -> bool:
        """Whether the session has ended within `seconds`."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        structlog.contextvars.bind_contextvars(instance_id=self.held.instance_id)
        self._watchdog.start(self.held.instance_id)
        try:
            self._live()
        except _End:
            log.debug("session.ended")
        except LeaseLost:
            self._lost = True
        except Exception:
            log.exception("session.crashed")
        finally:
            self._close_down()

    def _live(self) -> None:
        """Until the session is to end. What goes wrong unexpectedly is tried again, ever later."""
        while not self._closing.is_set():
            try:
                self._step()
            except DBAPIError as error:
                log.error("session.database", error=str(error.orig))
                self._closing.wait(_TROUBLE_SECONDS)
            except (_End, LeaseLost):
                raise
            except EngineError as error:
                self._start_anew(error)
            except Exception as error:
                log.exception("session.failed")
                self._start_anew(EngineError("engine_trouble", type(error).__name__))

    def _step(self) -> None:
        """One look at what is wanted, and one thing done about it."""
        self._wake.clear()
        if self._line.is_over:
            raise _End
        if not self._announced:
            self._move(InstanceState.CONNECTING)
            self._announced = True
        self._rejecting.leave()
        wanted = self._wanted()
        if self._line.trouble:
            self._start_anew(EngineError(self._line.trouble))
        elif self._line.is_outdated or (self._line.is_up and self._is_pressed(wanted)):
            self._line.close()
            self._move(InstanceState.CONNECTING)
        elif not self._line.is_started:
            self._open_when_due(wanted)
        elif self._line.is_up:
            self._serve(wanted)
        else:
            self._reconnect_when_late(wanted)

    def _wanted(self) -> _Wanted:
        """What the owner wants. Ends the session where that is its end."""
        with self._app.app_context():
            query = select(
                Instance.desired,
                Instance.retry_at,
                Instance.proxy_url,
                Instance.presence,
                Instance.send_gap_seconds,
                Instance.contacts_wanted_at,
            )
            row = db.session.execute(query.where(Instance.id == self.held.instance_id)).first()
        if row is None:
            raise _End
        if row.desired == DesiredState.SIGNED_OUT:
            self._sign_out()
            raise _End
        if row.desired == DesiredState.STOPPED:
            self._move(InstanceState.STOPPED)
            raise _End
        self._line.own_proxy = row.proxy_url
        self._outbox.keep_gap(row.send_gap_seconds)
        online = row.presence == Presence.ONLINE
        return _Wanted(row.desired, row.retry_at, online, row.contacts_wanted_at)

    def _open_when_due(self, wanted: _Wanted) -> None:
        """Opens the session, or waits until the next try is due."""
        early = (wanted.retry_at - utcnow()).total_seconds() if wanted.retry_at else 0.0
        if early > 0:
            self._wake.wait(min(early, _IDLE_SECONDS))
            return
        self._tried_at = utcnow()
        try:
            self._prepare()
            self._line.start()
        except KeysMissing as error:
            self._end_without_keys(error)
        except EngineError as error:
            self._retry_later(error)

    def _proven(self) -> None:
        """WhatsApp answers over this connection: the next trouble is a new one."""
        self._failures = 0

    def _prepare(self) -> None:
        """Puts in order what was left undone: messages under way first, so that receipts in the
        spool find their ids, then the spool."""
        if not self._prepared:
            self._outbox.settle(self._line.session)
            self.inbox.replay()
            self._prepared = True

    def _end_without_keys(self, error: EngineError) -> None:
        log.error("session.keys_missing", error=str(error))
        self._outbox.give_up_in_flight()
        self.inbox.replay()  # it may know why they are missing
        if not self._line.is_over:
            with self._app.app_context(), holding(self.held) as session:
                wishes.unlink(session.get_one(Instance, self.held.instance_id))
            ended = isinstance(error, LinkEnded)
            self._move(
                InstanceState.LOGGED_OUT if ended else InstanceState.FAILED, reason=error.slug
            )
        raise _End

    def _start_anew(self, error: EngineError) -> None:
        """Gives the engine's session up, and opens another one later: ever later, until one has
        proven to be alive."""
        if error.slug == TAKEN_BACK:
            self._takeover.count()
        self._prepared = False
        self._line.close()
        self._retry_later(error)

    def _retry_later(self, error: EngineError) -> None:
        """Says why it did not work and when it is tried again."""
        self._failures += 1
        pause = with_jitter(delay_before(self._failures, first=FIRST_RETRY, cap=LONGEST_RETRY))
        log.warning("session.not_opened", error=str(error), retry_in=pause.total_seconds())
        reason = error.slug if error.slug in REASONS else "engine_trouble"
        self._move(InstanceState.DISCONNECTED, reason=reason, retry_at=utcnow() + pause)

    def _reconnect_when_late(self, wanted: _Wanted) -> None:
        """Leaves reconnecting to the engine for a while, then starts anew; at once where somebody
        pressed "try now", or where its proxy is down, which starting anew gives as the reason."""
        left = ENGINE_RECONNECTS_FOR - self._line.seconds_down()
        if self._is_pressed(wanted):
            self._line.close()
        elif left <= 0:
            self._start_anew(EngineError("connection_lost" if self._line.was_up else "no_answer"))
        elif self._line.own_proxy is None:
            self._wake.wait(min(left, _IDLE_SECONDS))
        elif not self._wake.wait(_PROXY_SECONDS) and self._line.is_blocked:
            self._line.close()

    def _is_pressed(self, wanted: _Wanted) -> bool:
        """Whether somebody wants a new connection since the last start."""
        return wanted.retry_at is not None and self._tried_at < wanted.retry_at <= utcnow()

    def _serve(self, wanted: _Wanted) -> None:
        """Sends what is due, else brings the contacts up to date, or rests until there is
        something."""
        if self._rejecting.reject(self._line.session):
            return
        if self._line.online != wanted.online:
            self._line.show(online=wanted.online)
        if self._chores.urgent(self._line.session, online=wanted.online):
            return
        if not self._outbox.wait_seconds() and self._outbox.send_next(self._line.session):
            return
        wanted_at, connection = wanted.contacts_at, self._line.connections
        if self._chores.idle(self._line.session, contacts_at=wanted_at, connection=connection):
            return
        idle = _IDLE_SECONDS if self._line.online == wanted.online else _PRESENCE_SECONDS
        self._wake.wait(self._outbox.wait_seconds() or min(idle, self._chores.wait_seconds()))

    def _waking(self, hear: Callable[P, object]) -> Callable[P, None]:
        """`hear`, after which the session's thread looks for what there is to do."""

        def heard(*args: P.args, **kwargs: P.kwargs) -> None:
            hear(*args, **kwargs)
            self._wake.set()

        return heard

    def _sign_out(self) -> None:
        """Takes this device off the phone's list, if WhatsApp can be told."""
        if self._line.is_started:
            self._line.wait_until_up(_SIGN_OUT_SECONDS)
        heard = self._line.log_out()
        with self._app.app_context(), holding(self.held) as session:
            wishes.signed_out(session.get_one(Instance, self.held.instance_id), heard=heard)

    def _move(
        self, to: InstanceState, *, reason: str | None = None, retry_at: datetime | None = None
    ) -> None:
        with self._app.app_context(), holding(self.held) as session:
            instance = session.get_one(Instance, self.held.instance_id)
            try:
                instances.move(instance, to, reason=reason, retry_at=retry_at)
            except Conflict:
                log.info("session.move_refused", state=instance.state, to=to)

    def _close_down(self) -> None:
        """Leaves nothing behind but what the next host needs."""
        self._watchdog.stop()
        try:
            deleted = self._is_deleted()
            if deleted:
                self._line.log_out()
            self._line.close()
            self.inbox.close(commit=not (deleted or self._lost))
            if deleted:
                self._remove_files()
            elif not self._lost:
                self._give_back()
        except LeaseLost:
            log.info("session.lease_gone")
        except (DBAPIError, EngineError, OSError) as error:
            log.error("session.not_closed", error=str(error))
        finally:
            self._on_end(self)

    def _is_deleted(self) -> bool:
        """Whether the instance is gone, and with it the lease and everything else."""
        with self._app.app_context():
            return db.session.get(Instance, self.held.instance_id) is None

    def _remove_files(self) -> None:
        key_files.remove(self._settings, self._key_store, self._jid)
        shutil.rmtree(self._spool.parent, ignore_errors=True)

    def _give_back(self) -> None:
        """Releases the lease, and says that nobody holds the session now."""
        self._rejecting.leave(all_of_them=True)
        with self._app.app_context(), holding(self.held) as session:
            instance = session.get_one(Instance, self.held.instance_id)
            held_open = {InstanceState.CONNECTING, InstanceState.CONNECTED}
            if instance.instance_state in held_open:
                instances.move(instance, InstanceState.DISCONNECTED, reason=self._end_reason)
            if instance.deleted_at is not None:
                self._remove_files()
            elif instance.instance_state is InstanceState.LOGGED_OUT:
                key_files.remove(self._settings, self._key_store, self._jid)
            leases.release(self.held)
