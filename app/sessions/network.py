"""The way to WhatsApp."""

from __future__ import annotations

from app.config import Settings
from app.engine.process import SandboxState


def proxy_of(settings: Settings) -> str | None:
    """The proxy to connect through: the sandbox network's own in sandbox mode, where it may have
    moved since the last time; else the one of the settings. Raises SandboxStateError."""
    if settings.sandbox:
        return SandboxState.read(settings.sandbox_state).proxy_url
    return settings.whatsapp_proxy or None
