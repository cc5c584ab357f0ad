"""Everything that can be wrong with the form of an instance, each thing by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flask_login import current_user

from app.models import Instance
from app.services import conduct, endpoint_rules, instances
from app.services.proxy_rules import checked_proxy
from app.ui.forms import InstanceForm, headers_of


def checks(form: InstanceForm, instance: Instance | None) -> Iterator[Callable[[], object]]:
    """The checks that fit what was typed; each raises Invalid. None of them writes, nor reaches for
    the network."""
    name = form.name.data or ""
    if instance is None or name.strip() != instance.name:
        yield lambda: instances.checked_name(current_user.id, name)
    yield lambda: instances.checked_description(form.description.data or "")
    if url := (form.webhook_url.data or "").strip():
        yield lambda: endpoint_rules.checked_url(url)
        yield from _checks_of_webhook(form)
    if proxy := form.given_proxy:
        saved = instance.proxy if instance else None
        yield lambda: checked_proxy(proxy, saved)
    yield lambda: conduct.check_pace(form.send_gap_seconds.data)


def _checks_of_webhook(form: InstanceForm) -> Iterator[Callable[[], object]]:
    if secret := (form.webhook_secret.data or "").strip():
        yield lambda: endpoint_rules.checked_secret(secret)
    yield lambda: endpoint_rules.checked_events(form.events.data or ())
    yield lambda: endpoint_rules.checked_headers(headers_of(form.headers.data or ""))
    retries, interval = form.max_retries.data, form.retry_interval.data
    if retries is not None and interval is not None:  # else the form itself has said so
        yield lambda: endpoint_rules.check_retries(retries, interval * 1000)
