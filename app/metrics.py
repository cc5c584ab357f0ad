"""GET /metrics: how the deployment does, for Prometheus. docs/monitoring.md lists it all.

What is stored is counted in the database and in RQ's queues when somebody asks; what happens and
passes is summed up in Redis by whichever process it happens in (app/meter.py). So it does not
matter which web server answers, and how many there are.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from ipaddress import ip_address
from typing import TYPE_CHECKING

import structlog
from flask import Blueprint, Flask, Response, g, request
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import Forbidden, Unauthorized

from app import meter
from app.config import current_settings
from app.extensions import db
from app.services import job_queues, metering, vitals
from app.version import VERSION

if TYPE_CHECKING:
    from prometheus_client.core import Metric

log = structlog.get_logger(__name__)
bp = Blueprint("metrics", __name__)

PREFIX = "wam_"
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")
_NOT_TIMED = {"metrics", "health"}


def register(app: Flask) -> None:
    """Adds the route to `app`, and measures how long its other requests take."""
    app.register_blueprint(bp)
    app.before_request(_begin)
    app.after_request(_measure)


@bp.get("/metrics")
def show_metrics() -> Response:
    """Everything that is measured, in Prometheus's text format."""
    _check_access()
    from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

    return Response(generate_latest(Scrape()), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _check_access() -> None:
    """Nothing. Raises Unauthorized without the token of METRICS_TOKEN; where there is none,
    Forbidden for whoever is not on this machine, or comes through a proxy on it."""
    if token := current_settings().metrics_token:
        given = request.authorization.token if request.authorization else None
        if not hmac.compare_digest((given or "").encode(), token.encode()):
            raise Unauthorized()
        return
    if not _is_this_machine() or any(name in request.headers for name in _FORWARDED):
        raise Forbidden()


def _is_this_machine() -> bool:
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _begin() -> None:
    g.began = time.perf_counter()


def _measure(response: Response) -> Response:
    began = g.pop("began", None)
    if began is not None and request.blueprint not in _NOT_TIMED:
        seconds = time.perf_counter() - began
        status = f"{response.status_code // 100}xx"
        meter.took_now(metering.REQUESTS, seconds, _part_of(response), status)
    return response


def _part_of(response: Response) -> str:
    """What kind of request it was. A poll that brings nothing costs next to nothing, and one that
    waits says nothing of the server: neither belongs among the pages."""
    if g.get("waits"):
        return "wait"
    if request.blueprint == "api":
        return "api"
    if request.blueprint != "ui":
        return "other"
    return "poll" if response.status_code == 204 else "page"


class Scrape:
    """One answer. What cannot be asked at the moment is left out, and `wam_answers` says so."""

    def __init__(self) -> None:
        self._hosts: list[vitals.HostFacts] = []

    def collect(self) -> Iterator[Metric]:
        """Every metric."""
        yield _gauge("info", "Versions.", ("version", "engine"), [(_versions(), 1)])
        answers: list[tuple[Sequence[str], float]] = []
        for part, ask, failure in (
            ("database", self._of_database, SQLAlchemyError),
            ("redis", self._of_redis, RedisError),
        ):
            found = _asked(part, ask, failure)
            answers.append(((part,), float(found is not None)))
            yield from found or ()
        yield _gauge("answers", "1 if it answers.", ("part",), answers)
        disk = vitals.disk()
        yield _number("disk_size_bytes", "The file system of DATA_DIR.", disk.size)
        yield _number("disk_free_bytes", "What is free there.", disk.free)

    def _of_database(self) -> list[Metric]:
        states = [((state.value,), number) for state, number in vitals.instances().items()]
        endpoints = [((name,), number) for name, number in vitals.endpoints().items()]
        queued, due = vitals.messages(), vitals.deliveries()
        self._hosts, size = vitals.hosts(), vitals.database_bytes()
        return [
            _gauge("instances", "Instances by state.", ("state",), states),
            _number("queue_messages", "Messages that wait to be sent.", queued.waiting),
            _number("queue_overdue_seconds", "How long the oldest is due.", queued.overdue),
            _gauge("webhooks", "Webhooks: active, paused, off.", ("state",), endpoints),
            _number("deliveries_pending", "Events that are due to webhooks.", due.waiting),
            _number("deliveries_overdue_seconds", "How long the oldest is due.", due.overdue),
            *_of_hosts([host for host in self._hosts if not host.is_silent]),
            _number("database_size_bytes", "How large the database is.", size),
        ]

    def _of_redis(self) -> list[Metric]:
        meter.hand_over()
        return [
            *_of_queues(job_queues.all_of([host.id for host in self._hosts])),
            *_of_sums(meter.read()),
        ]


def _asked(
    part: str, ask: Callable[[], list[Metric]], failure: type[Exception]
) -> list[Metric] | None:
    try:
        return ask()
    except failure as error:
        db.session.rollback()
        log.warning("metrics.left_out", part=part, error=str(error))
        return None


def _versions() -> tuple[str, str]:
    return VERSION, version("neonize")


def _of_hosts(hosts: list[vitals.HostFacts]) -> list[Metric]:
    memory = [((one.name,), one.memory_mib * 2**20) for one in hosts if one.memory_mib]
    sessions = [((one.name,), one.sessions) for one in hosts]
    capacity = [((one.name,), one.capacity) for one in hosts]
    return [
        _number("hosts", "Session hosts that live.", len(hosts)),
        _gauge("host_memory_bytes", "Memory of a session host.", ("host",), memory),
        _gauge("host_sessions", "Sessions that it holds.", ("host",), sessions),
        _gauge("host_capacity", "Sessions that it may hold.", ("host",), capacity),
    ]


def _of_sums(sums: dict[tuple[str, ...], int]) -> list[Metric]:
    fates = ("direction", "kind", "result")
    return [
        _counter(sums, metering.MESSAGES, "Messages by what became of them.", fates),
        _counter(sums, metering.RECONNECTS, "Connections that came back after trouble.", ()),
        _counter(sums, metering.DISCONNECTIONS, "Connections that ended.", ("reason",)),
        _times(sums, metering.ATTEMPTS, "Tries to deliver to webhooks.", ("result",)),
        _times(sums, metering.REQUESTS, "Requests to the web server.", ("part", "status")),
    ]


def _of_queues(queues: list[job_queues.QueueFacts]) -> list[Metric]:
    waiting = [((one.name,), one.waiting) for one in queues]
    failed = [((one.name,), one.failed) for one in queues]
    workers = [((one.name,), one.workers) for one in queues]
    return [
        _gauge("jobs_waiting", "Jobs in the queues of RQ.", ("queue",), waiting),
        _gauge("jobs_failed", "Jobs that failed within a day.", ("queue",), failed),
        _gauge("job_workers", "Processes that work on a queue.", ("queue",), workers),
    ]


def _number(name: str, words: str, value: float) -> Metric:
    return _gauge(name, words, (), [((), value)])


def _gauge(
    name: str, words: str, labels: Sequence[str], values: Sequence[tuple[Sequence[str], float]]
) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(PREFIX + name, words, labels=labels)
    for of, value in values:
        family.add_metric(of, value)
    return family


def _counter(
    sums: dict[tuple[str, ...], int], name: str, words: str, labels: Sequence[str]
) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(PREFIX + name, words, labels=labels)
    found = {of[1:]: value for of, value in sums.items() if of[0] == name}
    if not labels:
        found.setdefault((), 0)
    for of, value in sorted(found.items()):
        family.add_metric(of, value)
    return family


def _times(
    sums: dict[tuple[str, ...], int], name: str, words: str, labels: Sequence[str]
) -> Metric:
    """A histogram: each of its ranges counts what is in those below, too."""
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(f"{PREFIX}{name}_seconds", words, labels=labels)
    for of in sorted({key[1:-1] for key in sums if key[0] == name}):
        total, buckets = 0, []
        for upper in (*map(str, meter.SECONDS), meter.BEYOND):
            total += sums.get((name, *of, upper), 0)
            buckets.append((upper, float(total)))
        seconds = sums.get((name, *of, meter.TOTAL), 0) / 1_000_000
        family.add_metric(of, buckets, seconds)
    return family
