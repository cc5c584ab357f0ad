"""The proxy of an instance: tested before it is saved."""

from __future__ import annotations

import json

import structlog

from app.clock import utcnow
from app.config import Settings, current_settings
from app.core.errors import Invalid, Unavailable
from app.core.proxies import Proxy
from app.core.texts import N_
from app.extensions import db
from app.models import Instance, User
from app.outgoing import tunnel
from app.outgoing.tunnel import ProxyTrouble
from app.services import activity, instances, sessions
from app.services.proxy_rules import GivenProxy, checked_proxy

log = structlog.get_logger(__name__)

CHECK_SECONDS = 8.0
"""What a test may take, from the first packet to WhatsApp's certificate."""

# What the test can find, by the slugs of app/outgoing/tunnel.py: the field, and the words.
_TROUBLES = {
    "proxy_not_allowed": (
        "host",
        N_(
            "This server makes no connections to this address. Whoever runs it can allow local"
            " ones with PROXY_PRIVATE_ADDRESSES."
        ),
    ),
    "proxy_not_found": ("host", N_("There is no host of this name.")),
    "proxy_closed": ("port", N_("Nothing listens at this port: the connection was refused.")),
    "proxy_timeout": ("host", N_("The proxy did not answer within %(seconds)d s.")),
    "proxy_unreachable": ("host", N_("This server finds no way to this address.")),
    "not_a_proxy": ("scheme", N_("Something answers there, but no proxy of this kind.")),
    "proxy_certificate": ("scheme", N_("The certificate of the proxy is not trusted.")),
    "proxy_credentials": ("username", N_("The proxy asks for a user name and a password.")),
    "proxy_no_way": ("host", N_("The proxy answers, but cannot reach WhatsApp.")),
    "not_whatsapp": ("host", N_("The proxy leads somewhere else than to WhatsApp.")),
}
_WRONG_CREDENTIALS = N_("The proxy does not accept this user name and password.")
_FORBIDDEN = "proxy_not_allowed"


def tested(given: GivenProxy | None, saved: Proxy | None, *, anyway: bool = False) -> Proxy | None:
    """The proxy that `given` means where `saved` stands, once WhatsApp has answered through it.
    One that is saved already is not tested again.

    A test takes up to 8 s: call this outside a transaction. `anyway`: the proxy may be down just
    now; only an address that is not allowed is an error then. Raises Invalid (proxy…) and, where
    the test network says nothing, Unavailable.
    """
    proxy = checked_proxy(given, saved) if given else None
    if proxy is not None and proxy != saved:
        db.session.rollback()  # a test holds no connection to the database
        _test(proxy, anyway)
    return proxy


def _test(proxy: Proxy, anyway: bool) -> None:
    settings = current_settings()
    try:
        tunnel.check(
            proxy,
            private_allowed=settings.proxy_private_addresses,
            ca_file=_ca_file(settings),
            seconds=CHECK_SECONDS,
        )
    except ProxyTrouble as error:
        log.info("proxy.trouble", trouble=error.slug, anyway=anyway)
        if not anyway or error.slug == _FORBIDDEN:
            raise _in_words(error.slug, proxy) from None


def save(instance: Instance, proxy: Proxy | None, *, actor: User) -> None:
    """Sets the instance's way to WhatsApp, from its next connection on; None for the way of the
    deployment. An instance that waits for its next try takes it at once. Does nothing where it is
    that already."""
    if proxy == instance.proxy:
        return
    instance.proxy_url = proxy.url if proxy else None
    instance.proxy_changed_at = utcnow()
    activity.record("instance:proxy:changed", instance=instance, actor=actor)
    instances.tell_of_change(instance)
    sessions.retry_now(instance)


def _in_words(slug: str, proxy: Proxy) -> Invalid:
    place, sentence = _TROUBLES[slug]
    if slug == "proxy_credentials" and proxy.username:
        place, sentence = "password", _WRONG_CREDENTIALS
    params = {"seconds": CHECK_SECONDS} if slug == "proxy_timeout" else {}
    return Invalid(sentence, field=f"proxy.{place}", code=slug, **params)


def _ca_file(settings: Settings) -> str | None:
    """Who vouches for WhatsApp: on the test network its own authority, which it announces."""
    if not settings.sandbox:
        return None
    try:
        return str(json.loads(settings.sandbox_state.read_text())["ca_file"])
    except (OSError, ValueError, KeyError):
        raise Unavailable(N_("The test network does not answer.")) from None
