"""A session host: one process that holds many live sessions. It never forks.

The main thread is an RQ worker on the host's own queue; what has to happen without Redis too is
seen by the watch, which looks at the rows every two seconds.
"""

from __future__ import annotations

import os
import platform
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict

import structlog
from flask import Flask
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from app import bell, connections, create_app
from app.clock import utcnow
from app.config import Settings, settings_of
from app.core.chat_states import Signal
from app.core.ids import new_id
from app.engine.base import Engine
from app.models import Host, Instance
from app.sessions import attention, draining, leases, life_signs, lifecycle, reconcile
from app.sessions.ingest import Ingest
from app.sessions.leases import Held
from app.sessions.session import LiveSession
from app.sessions.spool import SpoolInUse
from app.sessions.wear import Wear, Worn, memory_mib
from app.supervisor.process import PLANNED_RESTART
from app.transaction import transaction

log = structlog.get_logger(__name__)

CLOSE_SECONDS = 5.0
"""What all sessions together may take to end; the supervisor kills after 7 s."""
_WATCH_SECONDS = 2.0
_HEARTBEAT_SECONDS = 5.0

_current: SessionHost | None = None


def main(settings: Settings) -> None:
    """Runs a session host until SIGTERM. Ends the process: the engine's threads never return."""
    from app.engine import mending
    from app.engine.neonize import NeonizeEngine
    from app.engine.process import prepare_process
    from app.logging import configure

    own = prepare_process(settings.data_dir / "logs" / "engine-sessions.log")
    configure(settings, own)
    if settings.engine_mending:
        mending.mend()
    app = create_app(settings, web=False, threaded=True)
    status = 1
    try:
        status = PLANNED_RESTART if run(app, NeonizeEngine()) else 0
    except Exception:
        log.exception("host.failed")
    finally:
        os._exit(status)


def run(app: Flask, engine: Engine) -> Worn | None:
    """Runs a host on `engine` until SIGTERM, or until it is worn out, and says which. Call it on
    the main thread."""
    global _current
    host = _current = SessionHost(app, engine, end=_end_this_process)
    signal.signal(signal.SIGTERM, lambda *_: host.stopping.set())  # until RQ has its own
    try:
        host.begin()
        host.take_up_at_start()
        lifecycle.work(app, lifecycle.queue_of(host.id), host.stopping)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):  # RQ would break the end off at a second
            signal.signal(number, signal.SIG_IGN)
        host.end()
        _current = None
    return host.worn


def _end_this_process() -> None:
    """The one way to end: the main thread waits for jobs, and a signal wakes it."""
    os.kill(os.getpid(), signal.SIGTERM)


def current() -> SessionHost:
    """The host of this process. Raises RuntimeError in any other process."""
    if _current is None:
        raise RuntimeError("this process is no session host")
    return _current


class SessionHost:
    """The sessions of this process, and the rows that say so.

    `end` is called when it is `worn` out, on a thread of the host.
    """

    def __init__(self, app: Flask, engine: Engine, *, end: Callable[[], None]) -> None:
        self.id = new_id("hst", utcnow())
        self.stopping = threading.Event()
        self.worn: Worn | None = None
        self._end_process = end
        self._app = app
        self._settings = settings_of(app)
        self._engine = engine
        self._wear = Wear(self._settings)
        self._ingest = Ingest()
        self._sessions: dict[str, LiveSession] = {}
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._watch, name="watch", daemon=True),
            threading.Thread(target=self._listen, name="listener", daemon=True),
        ]

    def begin(self) -> None:
        """Makes itself known, and starts to watch and to listen."""
        self._life_sign = life_signs.show(self._settings, self.id)
        self._show()
        log.info("host.started", host_id=self.id, pid=os.getpid())
        for thread in self._threads:
            thread.start()

    def take_up_at_start(self) -> None:
        """Opens what waits for a host now; should this fail, clock and watch do it later."""
        try:
            with self._app.app_context():
                reconcile.reconcile_at_start()
            self.look()
        except (DBAPIError, RedisError) as error:
            log.warning("host.slow_start", error=str(error))

    def open(self, instance_id: str) -> None:
        """Opens the session that was offered to this host; does nothing when it was not, or when
        the session is open already."""
        with self._lock:
            if self.stopping.is_set() or instance_id in self._sessions:
                return
            session = self._prepare(instance_id)
            if session is None:
                return
            self._sessions[instance_id] = session
        self._ingest.serve(session)
        session.start()
        log.info("session.opening", instance_id=instance_id, epoch=session.held.epoch)

    def holds(self, instance_id: str) -> bool:
        """Whether the session is this host's."""
        with self._lock:
            return instance_id in self._sessions

    def end(self) -> None:
        """Closes all sessions and gives their leases back, within CLOSE_SECONDS."""
        self.stopping.set()
        deadline = time.monotonic() + CLOSE_SECONDS
        self._refuse_offers()
        sessions = self._all()
        for session in sessions:
            session.close()
        late = [one for one in sessions if not one.join(max(0.0, deadline - time.monotonic()))]
        self._ingest.stop()
        for thread in (one for one in self._threads if one.is_alive()):
            thread.join(max(0.0, deadline - time.monotonic()))
        for session in late:
            log.warning("session.not_closed_in_time", instance_id=session.held.instance_id)
        self._leave(late)
        log.info("host.ended", host_id=self.id)

    def _refuse_offers(self) -> None:
        """What is given back is not to be offered to this very host."""
        try:
            with self._app.app_context(), transaction():
                draining.mark(self.id)
        except DBAPIError as error:
            log.error("host.not_marked", error=str(error.orig))

    def _leave(self, late: list[LiveSession]) -> None:
        """Gives back what is still held, and finds other hosts for it if this one will be back."""
        with self._app.app_context():
            with transaction() as rows:
                for session in late:
                    leases.release(session.held)
                row = rows.get(Host, self.id)
                if row is not None:
                    rows.delete(row)
            life_signs.bury(self._settings, self.id)
            if self.worn is not None:
                reconcile.reconcile()  # the clock would, too, but every session is down until then

    def _prepare(self, instance_id: str) -> LiveSession | None:
        with self._app.app_context(), transaction() as rows:
            held = leases.take_up(instance_id, self.id)
            instance = rows.get(Instance, instance_id)
            if held is None or instance is None or instance.account is None:
                return None
            try:
                return LiveSession(
                    self._app,
                    self._settings,
                    self._engine,
                    held,
                    instance.account,
                    on_end=self._forget,
                )
            except (OSError, SpoolInUse) as error:
                log.error("session.no_spool", instance_id=instance_id, error=str(error))
                leases.release(held)
                return None

    def _forget(self, session: LiveSession) -> None:
        with self._lock:
            self._sessions.pop(session.held.instance_id, None)
        log.info("session.closed", instance_id=session.held.instance_id)

    def _all(self) -> list[LiveSession]:
        with self._lock:
            return list(self._sessions.values())

    def _watch(self) -> None:
        """Keeps the leases, and sees what nobody rang for."""
        shown = time.monotonic()
        while not self.stopping.wait(_WATCH_SECONDS):
            try:
                if time.monotonic() - shown >= _HEARTBEAT_SECONDS:
                    shown = time.monotonic()
                    self._show()
                    self._renew()
                    self.retire_when_worn()
                self.look()
            except Exception:
                log.exception("watch.failed")  # the next look comes in two seconds

    def retire_when_worn(self) -> None:
        """Ends this host so that a fresh process replaces it, unless another one does so now."""
        worn = self._wear.look(opened=self._engine.opened, live=len(self._all()))
        if worn is None or self.worn is not None:
            return
        with self._app.app_context(), transaction():
            if not draining.claim(self.id):
                return
        log.warning("host.worn_out", host_id=self.id, **asdict(worn))
        self.worn = worn
        self._end_process()

    def _show(self) -> None:
        """Says that this host is here, with its row made anew where somebody thought it gone."""
        with self._app.app_context(), transaction() as session:
            row = session.get(Host, self.id)
            now = utcnow()
            if row is not None:
                row.seen_at, row.memory_mib = now, memory_mib()
                return
            name = f"{platform.node()} {os.getpid()}"
            capacity = connections.capacity_of_host(self._settings)
            session.add(Host(id=self.id, name=name, capacity=capacity, started_at=now, seen_at=now))

    def _renew(self) -> None:
        held: dict[str, Held] = {one.held.instance_id: one.held for one in self._all()}
        with self._app.app_context(), transaction():
            leases.renew(list(held.values()))

    def look(self) -> None:
        """Drops what was lost, opens what was offered, wakes what has something to do."""
        with self._app.app_context():
            mine = leases.of_host(self.id)
            wanted_back = leases.wanted_back(self.id)
            sessions = {session.held.instance_id: session for session in self._all()}
            needy = attention.needed(sessions.keys(), utcnow())
        for instance_id, session in sessions.items():
            if mine.pop(instance_id, None) != session.held.epoch:
                log.warning("session.lease_lost", instance_id=instance_id)
                session.close(lost=True)
            elif instance_id in wanted_back:
                session.close(reason="moving")
            elif instance_id in needy:
                session.wake()
        for instance_id in mine:
            self.open(instance_id)

    def _listen(self) -> None:
        """Passes every ring on to the session it is for."""
        with self._app.app_context():
            bell.listen(self._rung, self._hinted, self.stopping)

    def _rung(self, instance_id: str | None) -> None:
        """None: rings may have been missed."""
        for session in self._all():
            if instance_id in {None, session.held.instance_id}:
                session.wake()

    def _hinted(self, instance_id: str, what: str, address: str) -> None:
        """What is of use now or never; for a session that is not here it is nothing."""
        with self._lock:
            session = self._sessions.get(instance_id)
        if session is not None:
            session.hint(Signal(what), address)
