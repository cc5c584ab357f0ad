"""What people ought to be told of now: compared with the notices that there are, so that a notice
comes and goes with its trouble. Run by the clock; running it twice changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import lazyload

from app import bell, topics
from app.clock import utcnow
from app.core.events import Event, iso
from app.core.ids import new_id
from app.core.notices import NoticeKind
from app.extensions import db
from app.models import Endpoint, Instance, Notice, User
from app.models.user import ADMINISTRATOR
from app.services import outbox, vitals

PATIENCE = timedelta(minutes=1)
"""An instance that is back sooner was never told to be down."""
LEAST_FREE, LEAST_FREE_SHARE = 10**9, 0.05
"""Bytes of the disk, and which part of it: with less of either it is nearly full."""
_WELL_AGAIN = 1.2
"""So many times as much must be free before a full disk is told to be over: it would flap."""
_RESTRICTED = {"temporary_ban", "restricted"}
_OUTDATED = "client_outdated"
_GONE = "410"


@dataclass(frozen=True, slots=True)
class Alarm:
    """A trouble that lasts, and the person to tell."""

    user_id: str
    kind: NoticeKind
    since: datetime
    subject: str = ""
    instance_id: str | None = None
    endpoint_id: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from others."""
        return self.user_id, self.kind, self.subject


def look() -> None:
    """Brings the notices of everybody up to date, and tells webhooks of those that come and go."""
    there = {_key(notice): notice for notice in db.session.scalars(select(Notice))}
    wanted = {alarm.key: alarm for alarm in _alarms(there.values())}
    for key in there.keys() - wanted.keys():
        notice = there[key]
        _tell(Event.NOTICE_RESOLVED, notice)
        db.session.delete(notice)
        bell.changed(topics.notices_of(notice.user_id))
    for key, alarm in wanted.items():
        if key not in there:
            _raise(alarm)
        elif there[key].detail != alarm.detail:
            there[key].detail = alarm.detail
            bell.changed(topics.notices_of(alarm.user_id))


def _alarms(there: Iterable[Notice]) -> Iterator[Alarm]:
    now = utcnow()
    troubled = list(_troubled_instances())
    for instance in troubled:
        yield from _of_instance(instance, now)
    yield from map(_of_endpoint, _endpoints_that_rest())
    for_administrators = [
        *_of_engine(troubled),
        *_of_disk(now, is_told=any(one.kind == NoticeKind.DISK_NEARLY_FULL for one in there)),
    ]
    if for_administrators:
        for user_id in _administrators():
            for kind, since, detail in for_administrators:
                yield Alarm(user_id, kind, since, detail=detail)


def _troubled_instances() -> Iterable[Instance]:
    """Linked ones only: a code that nobody scanned is no outage."""
    return db.session.scalars(
        select(Instance)
        .where(
            Instance.problem_since.is_not(None),
            Instance.problem_until.is_(None),
            Instance.deleted_at.is_(None),
            Instance.account_id.is_not(None),
        )
        .options(lazyload(Instance.account))
    )


def _of_instance(instance: Instance, now: datetime) -> Iterator[Alarm]:
    since = instance.problem_since or now
    kind = _kind_of(instance.problem)
    if kind is NoticeKind.INSTANCE_DOWN and now - since < PATIENCE:
        return
    yield Alarm(
        instance.owner_id,
        kind,
        since,
        subject=instance.id,
        instance_id=instance.id,
        detail={**(instance.problem_detail or {}), "reason": instance.problem},
    )


def _kind_of(problem: str | None) -> NoticeKind:
    if problem in _RESTRICTED:
        return NoticeKind.ACCOUNT_RESTRICTED
    return NoticeKind.ENGINE_OUTDATED if problem == _OUTDATED else NoticeKind.INSTANCE_DOWN


def _endpoints_that_rest() -> Iterable[Endpoint]:
    paused = and_(Endpoint.enabled.is_(True), Endpoint.broken_since.is_not(None))
    gone = and_(Endpoint.enabled.is_(False), Endpoint.last_error == _GONE)
    return db.session.scalars(select(Endpoint).where(or_(paused, gone)))


def _of_endpoint(endpoint: Endpoint) -> Alarm:
    return Alarm(
        endpoint.owner_id,
        NoticeKind.WEBHOOK_PAUSED if endpoint.enabled else NoticeKind.WEBHOOK_GONE,
        endpoint.broken_since or endpoint.last_error_at or utcnow(),
        subject=endpoint.id,
        instance_id=endpoint.instance_id,
        endpoint_id=endpoint.id,
        detail={"host": urlsplit(endpoint.url).hostname},  # the rest may hold a token
    )


_OfAll = tuple[NoticeKind, datetime, dict[str, Any]]


def _of_engine(troubled: list[Instance]) -> Iterator[_OfAll]:
    since = [one.problem_since for one in troubled if one.problem == _OUTDATED]
    moments = [moment for moment in since if moment is not None]
    if moments:
        yield NoticeKind.ENGINE_OUTDATED, min(moments), {"reason": _OUTDATED}


def _of_disk(now: datetime, *, is_told: bool) -> Iterator[_OfAll]:
    disk = vitals.disk()
    enough = max(LEAST_FREE, LEAST_FREE_SHARE * disk.size) * (_WELL_AGAIN if is_told else 1)
    if disk.free < enough:
        yield NoticeKind.DISK_NEARLY_FULL, now, {"free": round(disk.free, -8)}  # bytes


def _administrators() -> Iterable[str]:
    query = select(User.id).where(User.role == ADMINISTRATOR, User.disabled_at.is_(None))
    return db.session.scalars(query)


def _raise(alarm: Alarm) -> None:
    now = utcnow()
    notice = Notice(
        id=new_id("ntc", now),
        user_id=alarm.user_id,
        kind=alarm.kind,
        subject=alarm.subject,
        instance_id=alarm.instance_id,
        endpoint_id=alarm.endpoint_id,
        detail=alarm.detail,
        since=alarm.since,
        created_at=now,
    )
    db.session.add(notice)
    db.session.flush()
    _tell(Event.NOTICE_RAISED, notice)
    bell.changed(topics.notices_of(alarm.user_id))


def _tell(event: Event, notice: Notice) -> None:
    """That of an instance is told to those who hear of it; any other to all webhooks of the
    person."""
    data = {
        "noticeId": notice.id,
        "notice": notice.kind,
        "reason": notice.detail.get("reason"),
        "webhookId": notice.endpoint_id,
        "since": iso(notice.since),
        "timestamp": iso(utcnow()),
    }
    if notice.instance_id is not None:
        outbox.emit(notice.instance_id, event, data)
    else:
        outbox.emit_to_person(notice.user_id, event, data)


def _key(notice: Notice) -> tuple[str, str, str]:
    return notice.user_id, notice.kind, notice.subject
