"""The way to WhatsApp, and the conduct there, among an instance's settings."""

from __future__ import annotations

from app.api.instance_shapes import InstanceSettings
from app.core.presence import Presence
from app.core.proxies import Proxy
from app.core.reading import ReadReceipts
from app.models import Instance, User
from app.services import conduct, instances, proxies
from app.services.proxy_rules import GivenProxy


def tested_proxy(body: InstanceSettings, saved: Proxy | None) -> Proxy | None:
    """The proxy the instance is to have, tried before the transaction; `saved` where `body` says
    nothing of it. Raises Invalid."""
    if "proxy" not in body.model_fields_set:
        return saved
    return proxies.tested(_given(body), saved, anyway=bool(body.proxy_anyway))


def apply(instance: Instance, body: InstanceSettings, proxy: Proxy | None, *, actor: User) -> None:
    """Sets what `body` says of the connection and the conduct; `proxy` is what `tested_proxy` gave.

    Raises Invalid.
    """
    if "proxy" in body.model_fields_set:
        proxies.save(instance, proxy, actor=actor)
    if body.presence is not None:
        instances.show_presence(instance, Presence(body.presence), actor=actor)
    if "send_gap_seconds" in body.model_fields_set:
        conduct.set_pace(instance, body.send_gap_seconds, actor=actor)
    conduct.tell_read(instance, _read_receipts(instance, body), actor=actor)
    if body.reject_calls is not None:
        conduct.reject_calls(instance, body.reject_calls, actor=actor)


def _read_receipts(instance: Instance, body: InstanceSettings) -> ReadReceipts:
    """What they are to be. `auto_read` is a shorthand; of the two counts what asks for a change: an
    instance may be sent back as it was read, with one of them changed."""
    now = ReadReceipts(instance.read_receipts)
    if body.read_receipts is not None and body.read_receipts != now:
        return ReadReceipts(body.read_receipts)
    if body.auto_read is None or body.auto_read == (now is ReadReceipts.ARRIVAL):
        return now
    return ReadReceipts.ARRIVAL if body.auto_read else ReadReceipts.OFF


def _given(body: InstanceSettings) -> GivenProxy | None:
    proxy = body.proxy
    if proxy is None:
        return None
    return GivenProxy(
        scheme=proxy.scheme,
        host=proxy.host,
        port=proxy.port,
        username=proxy.username or "",
        password=proxy.password or "",
    )
