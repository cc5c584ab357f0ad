"""Webhook endpoints: listed, made, shown, changed, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from flask import Response, url_for
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from app import models
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment, takes
from app.api.identity import caller, may, need
from app.clock import utcnow
from app.core.errors import Invalid
from app.core.events import iso
from app.core.scopes import Scope
from app.services import breaker, instances, webhooks
from app.services.delivery_log import MASK
from app.services.webhooks import Wish
from app.transaction import transaction

TAGS = ["Webhooks"]
PATH = "/webhooks/<webhook_id>"
EXAMPLE = {
    "url": "https://shop.example/whatsapp",
    "events": ["message_received", "message_status:read"],
}
NAMES = {
    "retry_interval": "retry_interval_ms",
    "max_retry_interval": "max_interval_ms",
    "timeout": "timeout_ms",
}
"""Names that differ here from those of the service, which says what the number counts."""


class WebhookSettings(Body):
    """What can be set of a webhook; what is left out stays as it is, or has its default."""

    url: str | None = Field(default=None, description="Where events go.")
    events: list[str] | None = Field(
        default=None, description="What it is told of; by default messages received and sent."
    )
    enabled: bool | None = Field(default=None, description="Whether it is on; default on.")
    secret: str | None = Field(
        default=None, description="Signs what is sent. Left out: kept, or made for a new webhook."
    )
    headers: dict[str, str] | None = Field(
        default=None, description="More headers for its requests."
    )
    max_retries: int | None = Field(
        default=None, description="Tries after the first one, 0 to 20; default 3."
    )
    retry_interval: int | None = Field(
        default=None,
        description="Milliseconds before the first retry, doubled each time; default 60000.",
    )
    max_retry_interval: int | None = Field(
        default=None,
        description="The longest pause between two tries in milliseconds; default 21600000.",
    )
    timeout: int | None = Field(
        default=None, description="Milliseconds for one try, 1000 to 30000; default 15000."
    )
    verify_tls: bool | None = Field(
        default=None, description="false: takes any certificate, and anybody may read along."
    )


class NewWebhook(WebhookSettings):
    """A new webhook: its URL, and whatever else is to be set at once."""

    url: str = Field(description="Where events go.")
    instance_id: str | None = Field(
        default=None, description="Whose events it is told of. Null: those of all your instances."
    )


class Webhook(Answer):
    """A URL that is told of events."""

    id: str = Field(examples=["whe_01J9ZK8M3Q4R5S6T7V8W9X0Y1Z"])
    instance_id: str | None = Field(description="Null: it is told of all your instances.")
    url: str
    events: list[str]
    enabled: bool
    headers: dict[str, str] = Field(
        description="Masked for a key without the scope manage: they may hold tokens."
    )
    max_retries: int
    retry_interval: int = Field(description="Milliseconds.")
    max_retry_interval: int = Field(description="Milliseconds.")
    timeout: int = Field(description="Milliseconds.")
    verify_tls: bool
    paused_since: Moment | None = Field(
        description="It kept failing and is only probed now and then; null: it is not paused."
    )
    probe_at: Moment | None = Field(description="When it is probed next.")
    created_at: Moment
    former_secret_until: Moment | None = Field(
        description="Until then the secret before this one signs, too; null: it does not."
    )
    secret: str | None = Field(
        default=None, description="Only in the answer that set it, and with ?include=secret."
    )

    @model_serializer(mode="wrap")
    def _hide_what_was_not_asked_for(self, handler: SerializerFunctionWrapHandler) -> Any:
        shown = handler(self)
        if self.secret is None:
            shown.pop("secret", None)
        return shown


class WebhookList(Answer):
    """Webhooks."""

    items: list[Webhook]


class WebhookQuery(Body):
    """Which webhooks."""

    instance_id: str | None = Field(
        default=None, max_length=40, description="Only those told of this instance's events."
    )


class Include(Body):
    """What else to answer with."""

    include: Literal["secret"] | None = Field(
        default=None, description="secret: also the secret that signs."
    )


@bp.get("/webhooks")
@bp.input(WebhookQuery, location="query", arg_name="query")
@bp.output(WebhookList, description="The webhooks, those for all instances first.")
@bp.doc(operation_id="listWebhooks", summary="List webhooks", tags=TAGS)
def list_webhooks(query: WebhookQuery) -> WebhookList:
    """List webhooks

    Your own, at most 20 for each instance and 20 for all instances together.
    """
    instance = instances.get_for(caller(), query.instance_id) if query.instance_id else None
    return WebhookList(items=[webhook_shown(one) for one in webhooks.all_of(caller(), instance)])


@bp.post("/webhooks")
@takes(NewWebhook, example=EXAMPLE)
@bp.output(Webhook, status_code=201, description="The new webhook, with its secret.")
@bp.doc(operation_id="createWebhook", summary="Create a webhook", tags=TAGS)
def create_webhook(body: NewWebhook) -> tuple[Webhook, int, dict[str, str]]:
    """Create a webhook

    For one instance, or for all that you have and will have. Where an instance's own webhook and
    one for all instances have the same address, an event is sent there once.
    """
    with _fields_as_here(), transaction():
        instance = instances.get_for(caller(), body.instance_id) if body.instance_id else None
        wish = Wish(url=body.url, **_given(body))
        endpoint = webhooks.create(caller(), instance, wish, actor=caller())
    place = {"Location": url_for("api.show_webhook", webhook_id=endpoint.id)}
    return webhook_shown(endpoint, secret=True), 201, place


@bp.get("/instances/<instance_id>/webhooks")
@bp.output(WebhookList, description="The webhooks, those for all instances first.")
@bp.doc(operation_id="listInstanceWebhooks", summary="List an instance's webhooks", tags=TAGS)
def list_instance_webhooks(instance_id: str) -> WebhookList:
    """List an instance's webhooks

    All that are told of its events, also those for all of your instances.
    """
    instance = instances.get_for(caller(), instance_id)
    return WebhookList(items=[webhook_shown(one) for one in webhooks.all_of(caller(), instance)])


@bp.get(PATH)
@bp.input(Include, location="query", arg_name="query")
@bp.output(Webhook, description="The webhook.")
@bp.doc(operation_id="getWebhook", summary="Show a webhook", tags=TAGS)
def show_webhook(webhook_id: str, query: Include) -> Webhook:
    """Show a webhook"""
    if query.include:
        need(Scope.MANAGE)
    endpoint = webhooks.get_for(caller(), webhook_id)
    return webhook_shown(endpoint, secret=query.include == "secret")


@bp.patch(PATH)
@takes(WebhookSettings, example={"enabled": False})
@bp.output(Webhook, description="The webhook as it is now.")
@bp.doc(operation_id="updateWebhook", summary="Change a webhook", tags=TAGS)
def update_webhook(webhook_id: str, body: WebhookSettings) -> Webhook:
    """Change a webhook

    What is left out stays as it is.
    """
    with _fields_as_here(), transaction():
        endpoint = webhooks.get_for(caller(), webhook_id)
        values = _given(body) | ({"url": body.url} if body.url is not None else {})
        webhooks.change(endpoint, replace(webhooks.wish_of(endpoint), **values), actor=caller())
    return webhook_shown(endpoint, secret=bool(body.secret))


class Rotation(Body):
    """How to replace a secret."""

    grace_hours: int = Field(
        default=24, ge=0, le=168, description="How long the former secret signs, too."
    )


@bp.post(f"{PATH}/rotate-secret")
@takes(Rotation, example={"graceHours": 24})
@bp.output(Webhook, description="The webhook with its new secret.")
@bp.doc(operation_id="rotateWebhookSecret", summary="Replace the secret", tags=TAGS)
def rotate_secret(webhook_id: str, body: Rotation) -> Webhook:
    """Replace the secret

    The new one signs from now on. The former one signs beside it for graceHours, so that receivers
    can be changed one by one; 0 ends it at once.
    """
    with transaction():
        endpoint = webhooks.get_for(caller(), webhook_id)
        grace = timedelta(hours=body.grace_hours)
        webhooks.rotate_secret(endpoint, actor=caller(), grace=grace)
    return webhook_shown(endpoint, secret=True)


@bp.post(f"{PATH}/probe")
@bp.output(Webhook, description="The webhook.")
@bp.doc(operation_id="probeWebhook", summary="Try a paused webhook", tags=TAGS)
def probe_webhook(webhook_id: str) -> Webhook:
    """Try a paused webhook

    With what waits, at once. If it answers it goes on.
    """
    with transaction():
        endpoint = webhooks.get_for(caller(), webhook_id)
        breaker.try_now(endpoint)
    return webhook_shown(endpoint)


@bp.delete(PATH)
@bp.output({}, status_code=204, description="It is gone.")
@bp.doc(operation_id="deleteWebhook", summary="Delete a webhook", tags=TAGS)
def delete_webhook(webhook_id: str) -> Response:
    """Delete a webhook

    With its log, and with what is still due to it.
    """
    with transaction():
        webhooks.delete(webhooks.get_for(caller(), webhook_id), actor=caller())
    return Response(status=204)


def webhook_shown(endpoint: models.Endpoint, *, secret: bool = False) -> Webhook:
    """`endpoint` as the API shows it; its secret only where asked."""
    return Webhook(
        id=endpoint.id,
        instance_id=endpoint.instance_id,
        url=endpoint.url,
        events=endpoint.events,
        enabled=endpoint.enabled,
        headers=headers_shown(endpoint.headers),
        max_retries=endpoint.max_retries,
        retry_interval=endpoint.retry_interval_ms,
        max_retry_interval=endpoint.max_interval_ms,
        timeout=endpoint.timeout_ms,
        verify_tls=endpoint.verify_tls,
        paused_since=iso(endpoint.broken_since) if endpoint.broken_since else None,
        probe_at=iso(endpoint.probe_at) if endpoint.probe_at else None,
        created_at=iso(endpoint.created_at),
        former_secret_until=_former_until(endpoint),
        secret=endpoint.secret if secret else None,
    )


def headers_shown(headers: dict[str, str]) -> dict[str, str]:
    """`headers` as they are for whoever may change them. For a key that only reads their values are
    masked: they may be what proves something to the receiver."""
    return headers if may(Scope.MANAGE) else dict.fromkeys(headers, MASK)


def _former_until(endpoint: models.Endpoint) -> str | None:
    counts = endpoint.former_at(utcnow()) is not None and endpoint.former_until
    return iso(counts) if counts else None


@contextmanager
def _fields_as_here() -> Iterator[None]:
    """Lets an Invalid name its field as it is called here, where no webhook stands before it."""
    try:
        yield
    except Invalid as error:
        error.field = {"webhookUrl": "url", "webhookSecret": "secret"}.get(
            error.field or "", error.field
        )
        raise


def _given(body: WebhookSettings) -> dict[str, Any]:
    """What `body` sets, but for the URL, as the service calls it."""
    values = body.model_dump(exclude_none=True, exclude={"url", "instance_id"})
    return {NAMES.get(name, name): value for name, value in values.items()}
