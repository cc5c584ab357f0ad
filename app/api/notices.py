"""Notices: what needs the person now."""

from __future__ import annotations

from typing import Any, Literal

from flask import Response
from pydantic import Field

from app.api.blueprint import bp
from app.api.bodies import Answer, Moment
from app.api.identity import caller
from app.core.events import iso
from app.models import Notice
from app.services import notices
from app.transaction import transaction

Kind = Literal[
    "instance_down",
    "account_restricted",
    "webhook_paused",
    "webhook_gone",
    "disk_nearly_full",
    "engine_outdated",
]
TAGS = ["Account"]


class NoticeShown(Answer):
    """One trouble that lasts."""

    id: str = Field(examples=["ntc_01J9ZK8M3Q4R5S6T7V8W9X0Y1Z"])
    kind: Kind
    instance_id: str | None = Field(description="Null: it is of no instance.")
    webhook_id: str | None
    reason: str | None = Field(description="The reason of the instance, if it has one.")
    detail: dict[str, Any] = Field(examples=[{"reason": "network_unreachable"}])
    since: Moment
    is_read: bool


class Notices(Answer):
    """All that were not dismissed."""

    items: list[NoticeShown]
    unread: int


@bp.get("/notices")
@bp.output(Notices, description="The notices, newest first.")
@bp.doc(operation_id="listNotices", summary="See what needs you", tags=TAGS)
def list_notices() -> Notices:
    """See what needs you

    Instances that are down, numbers that WhatsApp has restricted, webhooks that are paused or gone;
    for administrators a disk that is nearly full, too, and an engine that is outdated. Each goes
    by itself when its trouble is over.
    """
    found = notices.all_of(caller())
    unread = sum(notice.read_at is None for notice in found)
    return Notices(items=[_shown(notice) for notice in found], unread=unread)


@bp.post("/notices/read")
@bp.output({}, status_code=204, description="They count as seen.")
@bp.doc(operation_id="readNotices", summary="Count notices as seen", tags=TAGS)
def read_notices() -> Response:
    """Count notices as seen"""
    with transaction():
        notices.read(caller())
    return Response(status=204)


@bp.delete("/notices/<notice_id>")
@bp.output({}, status_code=204, description="It is dismissed.")
@bp.doc(operation_id="dismissNotice", summary="Dismiss a notice", tags=TAGS)
def dismiss_notice(notice_id: str) -> Response:
    """Dismiss a notice

    It is told again only if its trouble ends and begins anew.
    """
    with transaction():
        notices.dismiss(caller(), notice_id)
    return Response(status=204)


def _shown(notice: Notice) -> NoticeShown:
    return NoticeShown.model_validate(
        {
            "id": notice.id,
            "kind": notice.kind,
            "instanceId": notice.instance_id,
            "webhookId": notice.endpoint_id,
            "reason": notice.detail.get("reason"),
            "detail": notice.detail,
            "since": iso(notice.since),
            "isRead": notice.read_at is not None,
        }
    )
