"""What a page shows of the log of webhooks: it stands in the address, in the reader's own time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import url_for
from flask_babel import to_utc
from flask_login import current_user

from app.core.errors import Invalid
from app.core.events import Event
from app.core.texts import N_
from app.models import Endpoint, Instance
from app.models.webhook import DeliveryStatus
from app.services import delivery_log, webhooks
from app.services.delivery_log import Scope, Wish
from app.ui.instances import owned

_NO_TIME = N_("This is not a time.")
FINISHED = (DeliveryStatus.DELIVERED, DeliveryStatus.FAILED)


@dataclass(frozen=True, slots=True)
class View:
    """What is to be shown. `moments` are "from" and "to" as they were typed; `problem` is the one
    of these that is no time."""

    webhook: Endpoint | None
    instance: Instance | None
    wish: Wish
    moments: dict[str, str]
    problem: str | None
    behind: str | None
    page_of: Endpoint | None  # the page is that of this webhook

    @property
    def scope(self) -> Scope:
        """Whose deliveries."""
        return Scope(current_user.id, endpoint=self.webhook, instance=self.instance)

    @property
    def is_narrowed(self) -> bool:
        """Whether something beside the result was chosen."""
        return bool(
            (self.webhook and not self.page_of)
            or self.instance
            or self.wish.event
            or any(self.moments.values())
        )

    def check(self) -> None:
        """Nothing. Raises Invalid for a time that is none."""
        if self.problem:
            raise Invalid(_NO_TIME, field=self.problem, code="bad_time")

    def address(self, **changes: object) -> str:
        """The address of the log with `changes` to what it shows; another choice begins with the
        newest."""
        chosen = self.choice() | changes
        if chosen.pop("page"):
            return _address("ui.show_webhook_log", webhook_id=chosen.pop("webhook"), **chosen)
        return _address("ui.show_deliveries", **chosen)

    def replay_address(self, status: DeliveryStatus | None) -> str:
        """Where one is asked whether all of this is to be sent again."""
        return _address("ui.confirm_replay", **self.choice() | {"status": status})

    def choice(self) -> dict[str, Any]:
        """What was chosen, by the names of the fields."""
        return {
            "webhook": self.webhook.id if self.webhook else None,
            "instance": self.instance.id if self.instance else None,
            "status": self.wish.status,
            "event": self.wish.event,
            "page": "webhook" if self.page_of else None,
        } | self.moments

    def again(self) -> dict[DeliveryStatus, int]:
        """How many of what is shown could be sent again, by where they stand."""
        if self.problem or (self.webhook is not None and not self.webhook.enabled):
            return {}
        return delivery_log.replayable(self.scope, self.wish)


def asked(values: Mapping[str, str], webhook_id: str | None = None) -> View:
    """What an address or a form says. Raises NotFound for what is not of who is signed in."""
    is_of_one = webhook_id is not None or values.get("page") == "webhook"
    webhook_id, instance_id = webhook_id or values.get("webhook"), values.get("instance")
    moments = {name: values.get(name, "") for name in ("from", "to")}
    since, until, problem = _range(moments)
    status, event = values.get("status"), values.get("event")
    webhook = webhooks.get_for(current_user, webhook_id) if webhook_id else None
    return View(
        webhook=webhook,
        instance=owned(instance_id) if instance_id else None,
        wish=Wish(
            status=DeliveryStatus(status) if status in set(DeliveryStatus) else None,
            event=event if event in set(Event) else None,
            since=since,
            until=until,
        ),
        moments=moments,
        problem=problem,
        behind=values.get("behind"),
        page_of=webhook if is_of_one else None,
    )


def _range(moments: Mapping[str, str]) -> tuple[datetime | None, datetime | None, str | None]:
    """From when, until before when, and the name of what is no time. The minute in "to" is in it,
    as somebody means it who reads 12:30 in the log."""
    found: dict[str, datetime | None] = {}
    for name, text in moments.items():
        try:
            local = datetime.fromisoformat(text).replace(tzinfo=None) if text else None
            found[name] = to_utc(local).replace(tzinfo=UTC) if local else None
        except (ValueError, OverflowError):
            return None, None, name
    until = found["to"]
    return found["from"], until + timedelta(minutes=1) if until else None, None


def _address(endpoint: str, **values: Any) -> str:
    return url_for(endpoint, **{name: value for name, value in values.items() if value})
