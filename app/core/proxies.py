"""A proxy on the way to WhatsApp: its parts, and the URL that holds them all."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443, "socks5": 1080}
"""The kinds of proxy the engine's library can use (whatsmeow, client.go), and their ports."""

WHATSAPP_HOST = "web.whatsapp.com"
WHATSAPP_PORT = 443
"""The door of WhatsApp that every session goes through."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy. `https` is an HTTP proxy that is itself spoken to over TLS; the user name is empty
    where it asks for none. The password never shows when this is printed."""

    scheme: str
    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, url: str) -> Proxy:
        """The proxy at this URL. Raises ValueError for a URL that names none."""
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise ValueError("not the URL of a proxy")
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=parts.port or DEFAULT_PORTS[parts.scheme],
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )

    @property
    def url(self) -> str:
        """The URL as the engine takes it. It holds the password: for no log, page or payload."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{self._credentials}{host}:{self.port}"

    @property
    def _credentials(self) -> str:
        if not self.username:
            return ""
        password = f":{quote(self.password, safe='')}" if self.password else ""
        return f"{quote(self.username, safe='')}{password}@"
