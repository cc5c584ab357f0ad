"""The webhook among an instance's settings."""

from __future__ import annotations

from typing import Any

from app.api.instance_shapes import SWITCHES, InstanceSettings
from app.core.errors import Invalid
from app.core.texts import N_
from app.models import Endpoint, Instance, User
from app.services import webhooks

FIELDS = frozenset(SWITCHES) | {
    "webhook_url",
    "webhook_enabled",
    "max_retries",
    "retry_interval",
    "webhook_secret",
    "headers",
}


def apply(instance: Instance, body: InstanceSettings, *, actor: User) -> bool:
    """Makes, changes or removes the webhook as `body` says; whether it has a new secret.

    Raises Invalid where something is set of a webhook that has no URL: it would do nothing.
    """
    given = body.model_fields_set & FIELDS
    if not given:
        return False
    endpoint = webhooks.endpoint_of(instance)
    url = body.webhook_url if "webhook_url" in given else endpoint.url if endpoint else None
    if not url or not url.strip():
        _remove(endpoint, body, given, actor)
        return False
    webhooks.save_endpoint(instance, url=url, actor=actor, **_merged(endpoint, body))
    return endpoint is None or bool(body.webhook_secret)


def _remove(
    endpoint: Endpoint | None, body: InstanceSettings, given: set[str], actor: User
) -> None:
    if body.webhook_enabled or "webhook_url" not in given:
        raise Invalid(N_("Give the webhook a URL."), field="webhookUrl", code="url_missing")
    if endpoint is not None:
        webhooks.delete(endpoint, actor=actor)


def _merged(endpoint: Endpoint | None, body: InstanceSettings) -> dict[str, Any]:
    """Every setting: as given, else as it was, else as a new webhook has it."""
    chosen = set(endpoint.events if endpoint else webhooks.DEFAULT_EVENTS)
    for name, subscription in SWITCHES.items():
        switch = getattr(body, name)
        if switch is not None:
            chosen = chosen | {subscription} if switch else chosen - {subscription}
    settings: dict[str, Any] = {
        "events": chosen,
        "enabled": _first(body.webhook_enabled, endpoint.enabled if endpoint else True),
        "headers": _first(body.headers, endpoint.headers if endpoint else {}),
        "secret": body.webhook_secret,
    }
    before = endpoint.max_retries if endpoint else webhooks.DEFAULT_MAX_RETRIES
    settings["max_retries"] = _first(body.max_retries, before)
    before = endpoint.retry_interval_ms if endpoint else webhooks.DEFAULT_RETRY_INTERVAL_MS
    settings["retry_interval_ms"] = _first(body.retry_interval, before)
    return settings


def _first(given: Any, otherwise: Any) -> Any:
    return otherwise if given is None else given
