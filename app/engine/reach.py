"""Whether WhatsApp can be reached, asked before the engine is.

A first connect of the engine that fails leaves its database handles open for the life of the
process (neonize never closes them), so retries against a dead network are made here, not there.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from urllib.request import getproxies, proxy_bypass

from app.core.proxies import WHATSAPP_HOST, WHATSAPP_PORT, Proxy
from app.engine.errors import EngineError, NetworkUnreachable
from app.outgoing import tunnel
from app.outgoing.tunnel import ProxyTrouble

_SECONDS = 8.0
_SLUGS = {
    "proxy_credentials": "proxy_refused",
    "proxy_no_way": "proxy_no_way",
    "proxy_not_allowed": "proxy_not_allowed",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """Marks a proxy that a person typed in for one instance: it is dialled by the guard, and what
    goes wrong with it is told for what it is. private_allowed: also at local addresses."""

    private_allowed: bool


def check(proxy: str | None, typed: Typed | None = None) -> None:
    """Raises NetworkUnreachable unless WhatsApp answers a TCP connection by way of `proxy`.

    None means the proxy of the environment (HTTPS_PROXY), as the engine takes it, or none. For a
    `typed` proxy it raises EngineError: proxy_unreachable (not there, or no proxy), proxy_refused
    (its user name and password), proxy_no_way or proxy_not_allowed.
    """
    if proxy is not None and typed is not None:
        _check_typed(Proxy.of(proxy), typed)
        return
    proxy = proxy or _environment_proxy()
    try:
        if proxy is None:
            socket.create_connection((WHATSAPP_HOST, WHATSAPP_PORT), _SECONDS).close()
        else:
            _check_given(Proxy.of(proxy))
    except (OSError, ValueError, ProxyTrouble) as error:
        raise NetworkUnreachable(str(error)) from error


def _environment_proxy() -> str | None:
    return None if proxy_bypass(WHATSAPP_HOST) else getproxies().get("https")


def _check_typed(proxy: Proxy, typed: Typed) -> None:
    try:
        tunnel.check_way(proxy, private_allowed=typed.private_allowed, seconds=_SECONDS)
    except ProxyTrouble as error:
        raise EngineError(_SLUGS.get(error.slug, "proxy_unreachable"), error.slug) from None


def _check_given(proxy: Proxy) -> None:
    """The proxy of the deployment, which may be anywhere."""
    with socket.create_connection((proxy.host, proxy.port), _SECONDS) as connection:
        tunnel.open_way(connection, proxy, ssl.create_default_context())
