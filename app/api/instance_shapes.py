"""Instances as the API takes and shows them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from app import models
from app.api.bodies import Answer, Body, Moment
from app.api.webhooks import headers_shown
from app.core.events import Subscription, iso
from app.core.reading import ReadReceipts
from app.core.reasons import reason_of
from app.core.states import InstanceState
from app.i18n import words
from app.services import webhooks

State = Literal[
    "created",
    "pairing",
    "connecting",
    "connected",
    "disconnected",
    "logged_out",
    "stopped",
    "failed",
]
EXAMPLE = {
    "name": "Shop",
    "description": "Orders and questions",
    "webhookUrl": "https://shop.example/whatsapp",
    "notifyReceived": True,
    "notifySent": False,
}
SWITCHES = {
    "notify_received": Subscription.RECEIVED,
    "notify_sent": Subscription.SENT,
    "notify_delivery": Subscription.DELIVERY,
    "notify_read": Subscription.READ,
    "notify_connection": Subscription.CONNECTION,
    "notify_calls": Subscription.CALLS,
}


class ProxySettings(Body):
    """An instance's own way to WhatsApp."""

    scheme: Literal["http", "https", "socks5"] = Field(description="What kind of proxy it is.")
    host: str = Field(description="A name or an IP address.")
    port: int | None = Field(default=None, description="1 to 65535; default: the kind's usual one.")
    username: str | None = Field(default=None, description="Null or empty: it asks for none.")
    password: str | None = Field(
        default=None,
        description="Never shown again. Left out: the saved one, while host and user name stay.",
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_what_is_only_shown(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if key != "hasPassword"}


class InstanceSettings(Body):
    """What can be set of an instance; what is left out stays as it is, or has its default."""

    name: str | None = Field(default=None, description="Unique among your instances; 1 to 60.")
    description: str | None = Field(default=None, description="Up to 1000 characters.")
    webhook_url: str | None = Field(
        default=None, description="Where events go. Null or empty removes the webhook."
    )
    webhook_enabled: bool | None = Field(
        default=None, description="Whether the webhook is on; by default it is once it has a URL."
    )
    notify_received: bool | None = Field(default=None, description="message_received; default on.")
    notify_sent: bool | None = Field(default=None, description="message_sent; default on.")
    notify_delivery: bool | None = Field(
        default=None, description="message_status with status delivered; default off."
    )
    notify_read: bool | None = Field(
        default=None, description="message_status with status read or played; default off."
    )
    notify_connection: bool | None = Field(
        default=None, description="connected, disconnected and logged_out; default off."
    )
    notify_calls: bool | None = Field(default=None, description="call_received; default off.")
    max_retries: int | None = Field(
        default=None, description="Tries after the first one, 0 to 20; default 3."
    )
    retry_interval: int | None = Field(
        default=None,
        description="Milliseconds before the first retry, doubled each time; default 60000.",
    )
    webhook_secret: str | None = Field(
        default=None, description="Signs what is sent. Left out: kept, or made for a new webhook."
    )
    headers: dict[str, str] | None = Field(
        default=None, description="More headers for the webhook's requests."
    )

    proxy: ProxySettings | None = Field(
        default=None,
        description=(
            "Tried before it is saved, and used from the next connection. Null: the way of the"
            " deployment."
        ),
    )
    proxy_anyway: bool | None = Field(
        default=None, description="true: save the proxy even if it does not work now."
    )
    presence: Literal["online", "never"] | None = Field(
        default=None,
        description="Whether the account is shown as online while connected; default online.",
    )
    send_gap_seconds: int | None = Field(
        default=None,
        description="Least pause between two messages, 1 to 600; null: that of the deployment.",
    )
    read_receipts: Literal["off", "arrival", "opening"] | None = Field(
        default=None,
        description=(
            "When people are told that their messages were read: never, as soon as one arrives, or"
            " when somebody opens its chat here; default off."
        ),
    )
    auto_read: bool | None = Field(
        default=None,
        description="Short for readReceipts: true is arrival, false is off where it was arrival.",
    )
    reject_calls: bool | None = Field(
        default=None, description="Whether calls are rejected as soon as they come; default off."
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_what_is_only_shown(cls, data: Any) -> Any:
        """An instance may be sent back as it was read: what nobody can set is passed over."""
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if key not in _ONLY_SHOWN}


class NewInstance(InstanceSettings):
    """A new instance: its name, and whatever else is to be set at once."""

    name: str = Field(description="Unique among your instances; 1 to 60 characters.")


class Reason(Answer):
    """Why an instance is in its state."""

    code: str = Field(examples=["phone_logged_out"])
    message: str = Field(description="What happened, in the caller's language.")
    hint: str = Field(description="What to do about it.")


class Status(Answer):
    """Where an instance stands with WhatsApp."""

    state: State
    reason: Reason | None
    phone: str | None = Field(description="The linked number.", examples=["+79161234567"])
    push_name: str | None = Field(description="What the account calls itself.")
    state_changed_at: Moment
    retry_at: Moment | None = Field(description="When the next attempt to connect comes.")


class ShownProxy(Answer):
    """An instance's own way to WhatsApp, without its password."""

    scheme: Literal["http", "https", "socks5"]
    host: str
    port: int
    username: str
    has_password: bool = Field(description="Whether a password is saved.")


class Instance(Status):
    """One place for one WhatsApp account."""

    id: str = Field(examples=["ins_01J9ZK8M3Q4R5S6T7V8W9X0Y1Z"])
    name: str
    description: str
    created_at: Moment
    webhook_url: str | None
    webhook_enabled: bool
    notify_received: bool
    notify_sent: bool
    notify_delivery: bool
    notify_read: bool
    notify_connection: bool
    notify_calls: bool
    max_retries: int
    retry_interval: int = Field(description="Milliseconds.")
    headers: dict[str, str] = Field(
        description="Masked for a key without the scope manage: they may hold tokens."
    )
    proxy: ShownProxy | None = Field(description="Its own proxy; null: the way of the deployment.")
    presence: Literal["online", "never"]
    send_gap_seconds: int | None
    read_receipts: Literal["off", "arrival", "opening"]
    auto_read: bool = Field(description="Whether readReceipts is arrival.")
    reject_calls: bool
    webhook_secret: str | None = Field(
        default=None,
        description="Only in the answer that set it, and with ?include=webhookSecret.",
    )

    @model_serializer(mode="wrap")
    def _hide_what_was_not_asked_for(self, handler: SerializerFunctionWrapHandler) -> Any:
        shown = handler(self)
        if self.webhook_secret is None:
            shown.pop("webhookSecret", None)
        return shown


_PARTS_SHOWN = ("scheme", "host", "port", "username")
_ONLY_SHOWN = frozenset(
    field.alias
    for name, field in Instance.model_fields.items()
    if name not in InstanceSettings.model_fields
)


def instance_shown(
    instance: models.Instance, endpoint: models.Endpoint | None, *, secret: bool = False
) -> Instance:
    """`instance` with its webhook as the API shows it; the webhook's secret only where asked."""
    return Instance(
        id=instance.id,
        name=instance.name,
        description=instance.description,
        created_at=iso(instance.created_at),
        **_status_values(instance),
        **_webhook_values(endpoint),
        **_connection_values(instance),
        webhook_secret=endpoint.secret if endpoint and secret else None,
    )


def status_shown(instance: models.Instance) -> Status:
    """The state of `instance` alone."""
    return Status(**_status_values(instance))


def _status_values(instance: models.Instance) -> dict[str, Any]:
    account = instance.account
    linked = account is not None and instance.instance_state is not InstanceState.CREATED
    return {
        "state": instance.instance_state.value,
        "reason": _reason(instance),
        "phone": f"+{account.phone}" if account and linked else None,
        "push_name": account.push_name if account and linked else None,
        "state_changed_at": iso(instance.state_changed_at),
        "retry_at": iso(instance.retry_at) if instance.retry_at else None,
    }


def _reason(instance: models.Instance) -> Reason | None:
    reason = reason_of(instance.reason)
    if reason is None:
        return None
    detail = instance.reason_detail
    return Reason(
        code=reason.slug, message=words(reason.sentence, detail), hint=words(reason.hint, detail)
    )


def _connection_values(instance: models.Instance) -> dict[str, Any]:
    proxy = instance.proxy
    shown: dict[str, Any] = {
        "presence": instance.presence,
        "send_gap_seconds": instance.send_gap_seconds,
        "read_receipts": instance.read_receipts,
        "auto_read": instance.read_receipts == ReadReceipts.ARRIVAL,
        "reject_calls": instance.reject_calls,
        "proxy": None,
    }
    if proxy is not None:
        shown["proxy"] = {name: getattr(proxy, name) for name in _PARTS_SHOWN}
        shown["proxy"]["has_password"] = bool(proxy.password)
    return shown


def _webhook_values(endpoint: models.Endpoint | None) -> dict[str, Any]:
    """The webhook's settings; where there is none, those that a new one would have."""
    events = endpoint.events if endpoint else list(webhooks.DEFAULT_EVENTS)
    switches = {name: choice in events for name, choice in SWITCHES.items()}
    return switches | {
        "webhook_url": endpoint.url if endpoint else None,
        "webhook_enabled": endpoint.enabled if endpoint else False,
        "max_retries": endpoint.max_retries if endpoint else webhooks.DEFAULT_MAX_RETRIES,
        "retry_interval": (
            endpoint.retry_interval_ms if endpoint else webhooks.DEFAULT_RETRY_INTERVAL_MS
        ),
        "headers": headers_shown(endpoint.headers) if endpoint else {},
    }
