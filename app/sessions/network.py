"""The way to WhatsApp."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.config import Settings
from app.engine import reach
from app.engine.errors import EngineError
from app.engine.process import SandboxState
from app.engine.reach import Typed


@dataclass(frozen=True, slots=True)
class Route:
    """The proxy to connect through, None for none; `typed` where it is the instance's own."""

    proxy: str | None = field(default=None, repr=False)
    typed: Typed | None = None

    @property
    def own(self) -> str | None:
        """The instance's own proxy, if it is that."""
        return self.proxy if self.typed else None


def route_of(settings: Settings, own: str | None) -> Route:
    """The way of an instance whose own proxy is `own`; without one, that of the deployment: its
    proxy, or in sandbox mode the sandbox network's, which may have moved since the last time.

    The sandbox is also reached through an instance's own proxy, where that forwards to it.
    Raises SandboxStateError.
    """
    if own:
        return Route(own, Typed(settings.proxy_private_addresses))
    if settings.sandbox:
        return Route(SandboxState.read(settings.sandbox_state).proxy_url)
    return Route(settings.whatsapp_proxy or None)


def is_blocked(route: Route) -> bool:
    """Whether the instance's own proxy lets nothing through now; without one, False."""
    if route.typed is None:
        return False
    try:
        reach.check(route.proxy, route.typed)
    except EngineError:
        return True
    return False
