"""Whether WhatsApp can be reached, asked before the engine is.

A first connect of the engine that fails leaves its database handles open for the life of the
process (neonize never closes them), so retries against a dead network are made here, not there.
"""

from __future__ import annotations

import base64
import socket
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from app.engine.errors import NetworkUnreachable

WHATSAPP_HOST = "web.whatsapp.com"
WHATSAPP_PORT = 443
_SECONDS = 8.0
_DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080}


def check(proxy: str | None) -> None:
    """Raises NetworkUnreachable unless WhatsApp answers a TCP connection by way of `proxy`.

    None means the proxy of the environment (HTTPS_PROXY), as the engine takes it, or none. Of a
    proxy other than `http://` only the proxy itself is tried.
    """
    proxy = proxy or _environment_proxy()
    try:
        if proxy is None:
            socket.create_connection((WHATSAPP_HOST, WHATSAPP_PORT), _SECONDS).close()
        else:
            _check_proxy(urlsplit(proxy))
    except (OSError, ValueError) as error:
        raise NetworkUnreachable(str(error)) from error


def _environment_proxy() -> str | None:
    return None if proxy_bypass(WHATSAPP_HOST) else getproxies().get("https")


def _check_proxy(proxy: SplitResult) -> None:
    address = (proxy.hostname or "", proxy.port or _DEFAULT_PORTS.get(proxy.scheme, 80))
    with socket.create_connection(address, _SECONDS) as connection:
        if proxy.scheme != "http":
            return
        connection.sendall(_connect_request(proxy))
        answer = connection.recv(4096).split(b"\r\n", 1)[0].decode("latin-1")
    words = answer.split(maxsplit=2)
    if len(words) < 2 or not words[1].startswith("2"):
        raise NetworkUnreachable(f"the proxy answered {answer or 'nothing'}")


def _connect_request(proxy: SplitResult) -> bytes:
    target = f"{WHATSAPP_HOST}:{WHATSAPP_PORT}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.username:
        pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
