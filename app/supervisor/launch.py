"""`python -m app.supervisor`: everything the product needs, from nothing to ready."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from app import redis_server
from app.config import Settings, SettingsError, load_settings
from app.logging import configure
from app.supervisor import readiness
from app.supervisor.guard import StartRefused, check_port, sole_owner
from app.supervisor.process import ProcessSpec, kill_group, spawn
from app.supervisor.roles import WORKER
from app.supervisor.watch import StopRequested, Supervisor

_STOP_WITHIN = 9.0  # seconds, of the 10 that are promised
_SANDBOX_STOPS = 50  # after its clients, before Redis
_LAST_ONE_ENDS = 8.0  # seconds; gunicorn's worker sees last that it is alone
_PATIENCE = 30.0  # seconds before a start that hangs is talked about


def main(arguments: list[str]) -> int:
    """Runs the product until SIGTERM or Ctrl-C; returns the exit status."""
    try:
        settings = load_settings()
    except SettingsError as error:
        print(f"Cannot start: {error}", file=sys.stderr)
        return 2
    configure(settings)
    try:
        with sole_owner(settings.data_dir) as was_killed:
            check_port(settings, patience=_LAST_ONE_ENDS if was_killed else 0.0)
            _run(settings, demo="--demo" in arguments)
    except (StartRefused, redis_server.RedisUnavailable) as error:
        print(f"Cannot start: {error}", file=sys.stderr)
        return 1
    except StopRequested:
        return 0
    return 0


def _run(settings: Settings, *, demo: bool) -> None:
    with Supervisor(stop_within=_STOP_WITHIN) as supervisor, _preparing(demo=demo) as preparation:
        if not settings.redis_url:
            supervisor.start(redis_server.spec(settings))
        if settings.sandbox:
            settings.sandbox_state.unlink(missing_ok=True)
            supervisor.start(sandbox_spec(settings, demo=demo))
        supervisor.start(web_spec())
        _await_foundations(supervisor, settings)
        supervisor.start(worker_spec())
        prepared = _finish(supervisor, preparation)
        supervisor.wait_until(lambda: readiness.missing(settings) == [], _PATIENCE)
        readiness.announce(settings, prepared)
        supervisor.run()


@contextmanager
def _preparing(*, demo: bool) -> Iterator[subprocess.Popen[bytes]]:
    """Runs app.supervisor.prepare beside the rest: whoever needs the database waits for it."""
    argv = (sys.executable, "-m", "app.supervisor.prepare", *(["--demo"] if demo else []))
    with spawn(ProcessSpec("prepare", argv), stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            kill_group(process)


def _finish(supervisor: Supervisor, preparation: subprocess.Popen[bytes]) -> dict[str, str | None]:
    """What app.supervisor.prepare has to say. Raises StartRefused when it failed."""
    supervisor.wait_until(lambda: preparation.poll() is not None, timeout=float("inf"))
    output, _ = preparation.communicate()
    if preparation.returncode != 0:
        unforeseen = "the database could not be prepared; the lines above say why."
        raise StartRefused(json.loads(output)["refused"] if output else unforeseen)
    prepared: dict[str, str | None] = json.loads(output)
    return prepared


def _await_foundations(supervisor: Supervisor, settings: Settings) -> None:
    """Waits for what the workers stand on. Raises StartRefused."""
    if not supervisor.wait_until(lambda: redis_server.answers(settings), _PATIENCE):
        raise StartRefused(
            "REDIS_URL: no Redis answers there."
            if settings.redis_url
            else f"Redis did not start; see {settings.data_dir / 'redis' / 'redis.log'}."
        )
    if settings.sandbox and not supervisor.wait_until(settings.sandbox_state.exists, _PATIENCE):
        raise StartRefused("SANDBOX: the test network did not start; the lines above say why.")


def web_spec() -> ProcessSpec:
    """The web server."""
    return ProcessSpec("web", (sys.executable, "-m", "app.supervisor.web"))


def worker_spec() -> ProcessSpec:
    """worker.py with all roles; it ends its own processes when told, so it is told first."""
    return ProcessSpec("worker", (sys.executable, str(WORKER)))


def sandbox_spec(settings: Settings, *, demo: bool) -> ProcessSpec:
    """The WhatsApp test network; in the demo its phone has been used for long."""
    command = (sys.executable, "-m", "app.sandbox", "--data-dir", str(settings.sandbox_dir))
    return ProcessSpec(
        name="sandbox",
        argv=(*command, "--lived-in") if demo else command,
        stop_order=_SANDBOX_STOPS,
    )
