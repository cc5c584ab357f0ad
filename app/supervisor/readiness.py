"""Whether all is up, and what the person at the terminal is told then."""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket

from app.config import Settings

_BAR = "-" * 72


def missing(settings: Settings) -> list[str]:
    """What GET /health/ready says is not there yet; ["web"] while nobody answers."""
    connection = http.client.HTTPConnection(
        _reachable(settings.host, loopback=True), settings.port, timeout=2
    )
    try:
        connection.request("GET", "/health/ready")
        checks: dict[str, str] = json.loads(connection.getresponse().read())["checks"]
    except (OSError, ValueError, KeyError, http.client.HTTPException):
        return ["web"]
    finally:
        connection.close()
    return [name for name, found in checks.items() if found != "ok"]


def announce(settings: Settings, prepared: dict[str, str | None]) -> None:
    """Prints the address, and how to get in for the first time."""
    address = address_of(settings)
    lines = [f"WhatsApp API Manager: {address}/"]
    if absent := missing(settings):
        lines.append(f"Not ready yet, still waiting for: {', '.join(absent)}")
    if notice := prepared["notice"]:
        lines.append(notice)
    if token := prepared["setup_token"]:
        lines.append("Create the first administrator (works once, within 24 hours):")
        lines.append(f"  {address}/setup/{token}")
    if email := prepared["demo_email"]:
        lines.append(f"Test network: no phone needed, nothing reaches WhatsApp. Sign in as {email}")
        lines.append(f"  password: {prepared['demo_password']}")
    print("\n".join([_BAR, *lines, "Ctrl-C ends it.", _BAR]), flush=True)


def address_of(settings: Settings) -> str:
    """Where a browser finds the product, without a slash at the end."""
    return f"http://{netloc(_reachable(settings.host), settings.port)}"


def netloc(host: str, port: int) -> str:
    """`host` and `port` as a URL has them, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reachable(host: str, *, loopback: bool = False) -> str:
    """An address that answers when the server listens on `host`, which may mean "all of them"."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    local = "127.0.0.1" if address.version == 4 else "::1"
    return local if loopback else _outward_address() or local


def _outward_address() -> str | None:
    """This machine's address towards the network; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address of documentation (RFC 5737)
        except OSError:
            return None
        name: tuple[str, int] = probe.getsockname()
        return name[0]
