"""/metrics: who may ask, and that the numbers are those of the database, of Redis and of RQ."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from rq.registry import FailedJobRegistry
from sqlalchemy.exc import OperationalError

from app import bell, create_app, meter
from app.clock import utcnow
from app.config import Settings
from app.core.states import InstanceState, MessageStatus
from app.extensions import db
from app.models import Host, Instance, Message, User
from app.models.webhook import DeliveryStatus
from app.outgoing.sender import Answer
from app.services import arrivals, deliveries, instances, job_queues, messaging, queue
from app.supervisor import roles
from app.transaction import transaction
from tests import factories
from tests.queries import plan_of, selects

ROOT = Path(__file__).resolve().parent.parent
DASHBOARD = ROOT / "deploy" / "grafana-dashboard.json"
RULES = ROOT / "deploy" / "prometheus-rules.yml"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(app: Flask, **options: Any) -> Samples:
    answer = app.test_client().get("/metrics", **options)
    assert answer.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((f"wam_{name}", frozenset(labels.items())))


@pytest.fixture
def shop(app: Flask, bob: User) -> Instance:
    """A connected instance of Bob's."""
    with app.app_context():
        shop = factories.instance(bob, name="Shop", state=InstanceState.CONNECTED)
    with app.app_context():
        factories.linked_account(shop)
    return shop


def test_this_machine_may_ask_and_nobody_from_elsewhere(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/metrics").status_code == 200
    far = {"REMOTE_ADDR": "192.0.2.7"}
    assert client.get("/metrics", environ_overrides=far).status_code == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_proxy_on_this_machine_lets_nobody_in(app: Flask, header: str) -> None:
    answer = app.test_client().get("/metrics", headers={header: "127.0.0.1"})
    assert answer.status_code == 403


def test_with_a_token_it_is_asked_of_everybody(settings: Settings, database: None) -> None:
    app = create_app(settings.model_copy(update={"metrics_token": "letmein"}))
    client = app.test_client()
    far = {"REMOTE_ADDR": "192.0.2.7"}
    assert client.get("/metrics").status_code == 401
    for given in ("Bearer letmeout", "Bearer ", "Basic letmein", "letmein"):
        assert client.get("/metrics", headers={"Authorization": given}).status_code == 401
    token = {"Authorization": "Bearer letmein"}
    assert client.get("/metrics", headers=token, environ_overrides=far).status_code == 200
    app.extensions["redis"].close()
    with app.app_context():
        db.engine.dispose()


def test_instances_hosts_and_backlogs_are_those_of_the_database(
    app: Flask, shop: Instance, bob: User
) -> None:
    with app.app_context():
        factories.instance(bob, deleted_at=utcnow())
        factories.host(name="machine 7", memory_mib=120)
        factories.host(name="machine 6", seen_at=utcnow() - timedelta(minutes=1))
        shop = db.session.get_one(Instance, shop.id)
        assert shop.account is not None
        chat = factories.chat(shop.account)
        late = utcnow() - timedelta(minutes=5)
        queued = {"direction": "out", "status": MessageStatus.QUEUED, "wa_id": None}
        factories.message(chat, due_at=late, **queued)
        factories.message(chat, due_at=utcnow() + timedelta(hours=1), **queued)
        factories.message(chat)
        webhook = factories.endpoint(shop)
        factories.delivery(webhook, status=DeliveryStatus.PENDING, due_at=late)
        factories.delivery(webhook, status=DeliveryStatus.DELIVERED)
    found = scrape(app)
    assert of(found, "instances", state="connected") == 1
    assert of(found, "instances", state="created") == 0
    assert of(found, "hosts") == 1
    assert of(found, "host_memory_bytes", host="machine 7") == 120 * 2**20
    assert of(found, "queue_messages") == 2
    assert 300 <= (of(found, "queue_overdue_seconds") or 0) < 360
    assert of(found, "deliveries_pending") == 1
    assert 300 <= (of(found, "deliveries_overdue_seconds") or 0) < 360
    assert of(found, "webhooks", state="active") == 1
    assert (of(found, "disk_size_bytes") or 0) > (of(found, "disk_free_bytes") or 0) > 0
    assert (of(found, "database_size_bytes") or 0) > 100_000


def test_messages_count_by_direction_kind_and_what_became_of_them(
    app: Flask, shop: Instance
) -> None:
    with app.app_context():
        shop = db.session.get_one(Instance, shop.id)
        assert shop.account is not None
        chat = factories.chat(shop.account)
        waiting = {"direction": "out", "status": MessageStatus.SENDING, "wa_id": None}
        one, two = (factories.message(chat, **waiting) for _ in range(2))
        for _ in range(3):
            factories.message(chat, **waiting | {"status": MessageStatus.QUEUED})
        with transaction() as session:
            messaging.sent(session.get_one(Message, one.id), "3EB0AA", utcnow())
            messaging.refused(session.get_one(Message, two.id), "not_on_whatsapp")
        with transaction():
            arrivals.store(arrival(chat, "3EB0BB"))
            arrivals.store(arrival(chat, "3EB0CC", kind="pinInChatMessage"))
            arrivals.store(arrival(chat, "3EB0DD"), is_news=False)
        with transaction() as session:
            queue.cancel_all(session.get_one(Instance, shop.id))
    found = scrape(app)
    assert of(found, "messages_total", direction="out", kind="text", result="sent") == 1
    assert of(found, "messages_total", direction="out", kind="text", result="failed") == 1
    assert of(found, "messages_total", direction="out", kind="text", result="cancelled") == 3
    assert of(found, "messages_total", direction="in", kind="text", result="received") == 1
    assert of(found, "messages_total", direction="in", kind="other", result="received") == 1


def arrival(chat: Any, wa_id: str, *, kind: str = "text") -> arrivals.Arrival:
    return arrivals.Arrival(
        wa_id=wa_id,
        chat=chat,
        from_me=False,
        kind=kind,
        text="Hello",
        at=utcnow(),
        sender_phone="79161234567",
        sender_lid=None,
        sender_name="Anna",
    )


def test_what_is_rolled_back_counts_nothing(app: Flask) -> None:
    with app.app_context():
        with pytest.raises(RuntimeError), transaction():
            meter.count("reconnects")
            raise RuntimeError
        with transaction():
            meter.count("reconnects")
            meter.count("reconnects")
    assert of(scrape(app), "reconnects_total") == 2


def test_an_outage_counts_once_and_so_does_its_end(app: Flask, shop: Instance) -> None:
    to = InstanceState
    moves = [to.DISCONNECTED, to.CONNECTING, to.DISCONNECTED, to.CONNECTING, to.CONNECTED]
    with app.app_context():
        for state in moves:
            with transaction() as session:
                reason = "connection_lost" if state is to.DISCONNECTED else None
                instances.move(session.get_one(Instance, shop.id), state, reason=reason)
    found = scrape(app)
    assert of(found, "disconnections_total", reason="connection_lost") == 1
    assert of(found, "reconnects_total") == 1


def test_tries_to_deliver_are_counted_with_how_long_they_took(app: Flask, shop: Instance) -> None:
    with app.app_context():
        webhook = factories.endpoint(shop)
        answers = [Answer(40, status=200), Answer(60, status=500), Answer(20_000, error="timeout")]
        for answer in answers:
            factories.delivery(webhook, status=DeliveryStatus.PENDING)
            with transaction():
                [parcel] = deliveries.claim(webhook.id)
                deliveries.record([deliveries.Outcome(parcel, answer, utcnow())])
    found = scrape(app)
    name = "delivery_attempts_seconds"
    for result in ("delivered", "refused", "unreachable"):
        assert of(found, f"{name}_count", result=result) == 1
    assert of(found, f"{name}_sum", result="refused") == pytest.approx(0.06)
    assert of(found, f"{name}_bucket", result="delivered", le="0.025") == 0
    assert of(found, f"{name}_bucket", result="delivered", le="0.05") == 1
    assert of(found, f"{name}_bucket", result="unreachable", le="10.0") == 0


def test_several_web_servers_add_to_the_same_counts(app: Flask, settings: Settings) -> None:
    other = create_app(settings)
    try:
        app.test_client().get("/login")
        for _ in range(2):
            other.test_client().get("/api/instances")
        with other.app_context():
            meter.hand_over()
        found = scrape(app)
        name = "requests_seconds_count"
        assert (of(found, name, part="page", status="2xx") or 0) >= 1
        assert (of(found, name, part="api", status="4xx") or 0) >= 2
        assert of(found, "requests_seconds_bucket", part="page", status="2xx", le="+Inf") == of(
            found, name, part="page", status="2xx"
        )
    finally:
        other.extensions["redis"].close()
        with other.app_context():
            db.engine.dispose()


def test_what_is_kept_is_handed_over_with_a_request_a_second_later(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.test_client().get("/login")
    with app.app_context():
        assert not any(name == "requests" for name, *_ in meter.read())
        monkeypatch.setattr(meter, "_KEPT_SECONDS", 0.0)
        app.test_client().get("/login")
        assert sum(n for key, n in meter.read().items() if "sum" not in key) == 2


def test_queues_of_jobs_are_those_of_rq(app: Flask) -> None:
    with app.app_context():
        bell.queue("imports").enqueue("app.jobs.imports.sweep", result_ttl=0)
        failed = bell.queue("media").enqueue("app.jobs.media.sweep", result_ttl=0)
        FailedJobRegistry(queue=bell.queue("media")).add(failed, ttl=1000)
        host = factories.host()
        bell.queue(f"sessions:{host.id}").enqueue("app.jobs.sessions.open", host.id)
    found = scrape(app)
    assert of(found, "jobs_waiting", queue="imports") == 1
    assert of(found, "jobs_waiting", queue="sessions") == 1
    assert of(found, "jobs_failed", queue="media") == 1
    assert of(found, "jobs_failed", queue="imports") == 0


def test_every_queue_that_workers_work_on_is_counted() -> None:
    source = Path(roles.__file__).read_text()
    worked_on = {
        name
        for group in re.findall(r"queues=\(([^)]*)\)", source)
        for name in re.findall(r'"(\w+)"', group)
    }
    assert worked_on | {"pairing"} == set(job_queues.NAMES)


def test_without_redis_it_tells_what_the_database_knows(app: Flask, shop: Instance) -> None:
    app.extensions["redis"].connection_pool.connection_kwargs["path"] = "/nowhere/redis.sock"
    found = scrape(app)
    assert of(found, "answers", part="redis") == 0
    assert of(found, "answers", part="database") == 1
    assert of(found, "instances", state="connected") == 1


def test_without_the_database_it_tells_what_redis_knows(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OperationalError("connect", {}, Exception("nobody is there"))

    with app.app_context(), transaction():
        meter.count("reconnects")
    with app.app_context():
        monkeypatch.setattr(db.session, "execute", fails)
        monkeypatch.setattr(db.session, "scalars", fails)
        found = scrape(app)
    assert (of(found, "answers", part="database"), of(found, "answers", part="redis")) == (0, 1)
    assert of(found, "reconnects_total") == 1
    assert of(found, "instances", state="connected") is None


def test_a_scrape_asks_a_few_questions_whatever_there_is(app: Flask, shop: Instance) -> None:
    with app.app_context():
        for _ in range(3):
            factories.host()
            factories.endpoint(shop)
    with app.app_context(), selects() as asked:
        scrape(app)
    assert len(asked) <= 6


@pytest.mark.plan_of_sqlite
def test_backlogs_are_counted_along_indexes(app: Flask, shop: Instance) -> None:
    from app.services import vitals

    with app.app_context():
        assert "COVERING INDEX ix_messages_queue" in plan_of(vitals.messages, "FROM messages")
        assert "COVERING INDEX ix_deliveries_due" in plan_of(vitals.deliveries, "FROM deliveries")


def everything_happened(app: Flask, shop: Instance) -> set[str]:
    """The names in a scrape after each thing that is counted has happened once."""
    with app.app_context():
        factories.host(memory_mib=100)
        with transaction():
            meter.count("messages", "out", "text", "sent")
            meter.count("disconnections", "connection_lost")
            meter.took("delivery_attempts", 0.1, "delivered")
    app.test_client().get("/login")
    return {name for name, _ in scrape(app)}


def named_in(text: str) -> set[str]:
    return set(re.findall(r"\bwam_\w+", text))


def test_the_dashboard_names_metrics_that_there_are(app: Flask, shop: Instance) -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(asked) > 15
    named = set().union(*map(named_in, asked))
    there = everything_happened(app, shop)
    assert named - there == set()
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))


def test_the_rules_name_metrics_that_there_are(app: Flask, shop: Instance) -> None:
    rules = [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]
    assert len(rules) > 8
    for rule in rules:
        assert {"alert", "expr", "for", "labels", "annotations"} <= rule.keys()
        assert {"summary", "description"} <= rule["annotations"].keys()
    named = set().union(*(named_in(rule["expr"]) for rule in rules))
    assert named - everything_happened(app, shop) == set()


def test_every_metric_is_documented_and_nothing_else(app: Flask, shop: Instance) -> None:
    documented = set(
        re.findall(r"^\| `(wam_\w+)`", (ROOT / "docs" / "monitoring.md").read_text(), re.M)
    )
    there = {re.sub(r"_(bucket|count|sum)$", "", n) for n in everything_happened(app, shop)}
    assert documented == {name for name in there if name.startswith("wam_")}


def test_a_living_host_tells_its_memory(app: Flask) -> None:
    from app.sessions.host import SessionHost
    from app.sessions.wear import memory_mib

    host = SessionHost(app, engine=None, end=lambda: None)  # type: ignore[arg-type]
    host._show()
    host._show()
    with app.app_context():
        told = db.session.get_one(Host, host.id).memory_mib
    assert told is not None
    assert abs(told - memory_mib()) < 50
