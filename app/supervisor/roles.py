"""The roles of worker.py: what each runs, how many of it, and the environment it needs."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

from app.config import Settings, SettingsError, load_settings
from app.logging import configure
from app.sessions import life_signs
from app.supervisor.process import ProcessSpec
from app.supervisor.watch import StopRequested, Supervisor

WORKER = Path(__file__).resolve().parents[2] / "worker.py"
HOSTS = "sessions"
_HOSTS_WITHIN = 6.0  # seconds, the longest that the other roles wait for the hosts to be up
_OTHERS_WAIT = 2.0  # seconds from then on: 50 sessions are back
_STOP_WITHIN = 6.0  # seconds; the supervisor above waits 7


@dataclass(frozen=True)
class Role:
    """One kind of worker process.

    `load` imports what the role needs and returns the function that runs it; so the slow part
    goes on beside the migration. `engine` says that the role loads the WhatsApp engine, whose
    library reads the environment given at exec and no later. The others are forks of their
    supervisor, who has imported for all of them: they share its memory, and are back at once.
    """

    load: Callable[[], Callable[[Settings], None]]
    copies: Callable[[Settings], int]
    engine: bool = False


def _sessions() -> Callable[[Settings], None]:
    from app.sessions import host

    return host.main


def _clock() -> Callable[[Settings], None]:
    from app import clockwork

    return clockwork.main


def _pairing() -> Callable[[Settings], None]:
    from app import queue_worker

    return queue_worker.run_pairing


def _webhooks() -> Callable[[Settings], None]:
    from app import queue_worker

    return partial(queue_worker.run_inline, queues=("webhooks", "media"))


def _jobs() -> Callable[[Settings], None]:
    from app import queue_worker
    from app.jobs import media  # noqa: F401 - each job is a fork, and finds it loaded

    return partial(queue_worker.run_forking, queues=("imports", "default"))


ROLES: Mapping[str, Role] = {
    HOSTS: Role(_sessions, copies=lambda settings: settings.session_hosts, engine=True),
    "pairing": Role(_pairing, copies=lambda settings: settings.pairing_workers),
    "webhooks": Role(_webhooks, copies=lambda settings: 1),
    "jobs": Role(_jobs, copies=lambda settings: settings.job_workers),
    "clock": Role(_clock, copies=lambda settings: 1),
}


def main(arguments: list[str]) -> int:
    """Runs the role named by `arguments`, or supervises all of them; returns the exit status."""
    if len(arguments) > 1 or not set(arguments) <= ROLES.keys():
        print(f"usage: worker.py [{' | '.join(ROLES)}]", file=sys.stderr)
        return 2
    try:
        settings = load_settings()
    except SettingsError as error:
        print(f"Cannot start: {error}", file=sys.stderr)
        return 2
    if arguments:
        run_role(arguments[0], settings)
    else:
        run_all(settings)
    return 0


def run_all(settings: Settings) -> None:
    """Supervises every role until SIGTERM. Session hosts go first and have the machine for
    themselves while they bring the sessions back: the others cost seconds of processor time."""
    configure(settings)
    with Supervisor(stop_within=_STOP_WITHIN) as supervisor, suppress(StopRequested):
        all_specs = specs(settings)
        hosts = [spec for spec in all_specs if spec.run is None]
        for spec in hosts:
            supervisor.start(spec)
        supervisor.wait_until(lambda: len(life_signs.living(settings)) >= len(hosts), _HOSTS_WITHIN)
        supervisor.wait_until(lambda: False, _OTHERS_WAIT)
        import_for_forks()
        for spec in all_specs:
            if spec not in hosts:
                supervisor.start(spec)
        supervisor.run()


def import_for_forks() -> None:
    """Imports what forks will find loaded. Nothing of it starts a thread or opens a connection."""
    from sqlalchemy.orm import configure_mappers

    from app import clockwork

    for role in ROLES.values():
        if not role.engine:
            role.load()
    for work in clockwork.PERIODIC:
        clockwork.function_of(work)
    configure_mappers()
    gc.collect()
    gc.freeze()  # a collection in a fork would write to all that is shared


def run_role(name: str, settings: Settings) -> None:
    """Becomes one process of role `name`; started by hand it first gets its environment."""
    environment = environment_of(ROLES[name], settings)
    if any(os.environ.get(key) != value for key, value in environment.items()):
        arguments = [sys.executable, str(WORKER), name]
        os.execve(sys.executable, arguments, {**os.environ, **environment})  # noqa: S606
    configure(settings)
    _run(ROLES[name], settings)


def _run(role: Role, settings: Settings) -> None:
    from app import schema

    run = role.load()
    schema.wait_until_current(settings)
    run(settings)


def specs(settings: Settings) -> list[ProcessSpec]:
    """A process for every copy of every role."""
    return [
        _spec(name, f"{name}-{number}" if copies > 1 else name, settings)
        for name, role in ROLES.items()
        for copies in (role.copies(settings),)
        for number in range(1, copies + 1)
    ]


def _spec(role: str, name: str, settings: Settings) -> ProcessSpec:
    if not ROLES[role].engine:
        return ProcessSpec(name, run=partial(_run, ROLES[role], settings))
    return ProcessSpec(
        name,
        argv=(sys.executable, str(WORKER), role),
        environment=environment_of(ROLES[role], settings),
        on_end=partial(life_signs.note_end, settings),
    )


def environment_of(role: Role, settings: Settings) -> dict[str, str]:
    """What must be in the environment of `role` at exec. Nothing of the sandbox's certificate
    reaches a role without the engine: Python's own TLS would believe it too."""
    if not role.engine:
        return {}
    state = settings.sandbox_state if settings.sandbox else None
    environment: dict[str, str] = import_module("app.engine.process").engine_environment(state)
    return environment
