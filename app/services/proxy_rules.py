"""What the proxy of an instance may look like. Errors name the field as the API calls it."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.core.addresses import Reach, reach_of
from app.core.errors import Invalid
from app.core.proxies import DEFAULT_PORTS, Proxy
from app.core.texts import N_

HOST_LENGTH = 253
CREDENTIAL_BYTES = 255  # RFC 1929, 2: SOCKS5 carries no more


@dataclass(frozen=True, slots=True)
class GivenProxy:
    """A proxy as a person typed it. Without a port it is the usual one of its kind; without a
    password the saved one is meant."""

    scheme: str
    host: str
    port: int | None = None
    username: str = ""
    password: str = field(default="", repr=False)


def checked_proxy(given: GivenProxy, saved: Proxy | None) -> Proxy:
    """The proxy that is meant by `given` where `saved` stands. Raises Invalid (proxy…)."""
    if given.scheme not in DEFAULT_PORTS:
        message = N_("Choose what kind of proxy it is.")
        raise Invalid(message, field="proxy.scheme", code="bad_proxy_scheme")
    host = _checked_host(given.host)
    port = DEFAULT_PORTS[given.scheme] if given.port is None else given.port
    if not 1 <= port <= 65535:
        message = N_("A port is a number from 1 to 65535.")
        raise Invalid(message, field="proxy.port", code="bad_proxy_port")
    username = _checked_username(given, saved)
    proxy = Proxy(given.scheme, host, port, username, _checked_password(given, username))
    return proxy if given.password else _with_saved_password(proxy, saved)


def _checked_host(text: str) -> str:
    """The host as programs write it: lower case, letters of other alphabets encoded."""
    host = text.strip().removeprefix("[").removesuffix("]").lower()
    if ":" not in host:
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            host = ""
    if not host or len(host) > HOST_LENGTH or not _is_host(host):
        message = N_("Write the host alone: a name like proxy.example.com, or an IP address.")
        raise Invalid(message, field="proxy.host", code="bad_proxy_host")
    return host


def _is_host(host: str) -> bool:
    try:
        reach = reach_of(host)
    except ValueError:  # a name: where it leads is judged when it is dialled
        return all(part and set(part) <= _NAME for part in host.rstrip(".").split("."))
    if reach is Reach.NEVER:
        message = N_("Proxies at this address are never used.")
        raise Invalid(message, field="proxy.host", code="proxy_not_allowed")
    return "%" not in host


_NAME = set("abcdefghijklmnopqrstuvwxyz0123456789-_")


def _checked_username(given: GivenProxy, saved: Proxy | None) -> str:
    username = given.username.strip()
    if given.password and not username:
        message = N_("A password needs a user name.")
        raise Invalid(message, field="proxy.username", code="proxy_username_missing")
    if len(username.encode()) > CREDENTIAL_BYTES or not username.isprintable() or ":" in username:
        message = N_("This cannot be the user name of a proxy.")
        raise Invalid(message, field="proxy.username", code="bad_proxy_username")
    return username


def _checked_password(given: GivenProxy, username: str) -> str:
    password = given.password
    if len(password.encode()) > CREDENTIAL_BYTES or not password.isprintable():
        message = N_("This cannot be the password of a proxy.")
        raise Invalid(message, field="proxy.password", code="bad_proxy_password")
    return password


def _with_saved_password(proxy: Proxy, saved: Proxy | None) -> Proxy:
    """`proxy` with the password that is saved, which goes to no other host than it was typed for:
    else whoever may change the host could read it. Raises Invalid (proxy.password)."""
    if saved is None or not saved.password or saved.username != proxy.username:
        return proxy
    if saved.host != proxy.host:
        message = N_("The host has changed: type the password again.")
        raise Invalid(message, field="proxy.password", code="proxy_password_missing")
    return Proxy(proxy.scheme, proxy.host, proxy.port, proxy.username, saved.password)
