"""The state panel of an instance: one small machine, drawn by `instances/_state.html`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from app.clock import utcnow
from app.core.states import DesiredState, InstanceState
from app.models import Instance, LinkedAccount
from app.qr_code import svg_of
from app.services import pairings
from app.ui import words
from app.ui.polling import BRISK, FAST

_S = InstanceState
_STEPS = {
    _S.CREATED: "unlinked",
    _S.PAIRING: "preparing",
    _S.CONNECTING: "connecting",
    _S.CONNECTED: "connected",
    _S.DISCONNECTED: "disconnected",
    _S.LOGGED_OUT: "problem",
    _S.STOPPED: "stopped",
    _S.FAILED: "problem",
}
_ABOUT_TO_CHANGE = frozenset({"preparing", "qr", "connecting"})


@dataclass(frozen=True, slots=True)
class Panel:
    """All that the panel shows; `step` chooses the branch."""

    instance: Instance
    account: LinkedAccount | None
    step: str
    word: str
    sentence: str
    hint: str
    poll_every: int  # seconds
    retry_in: int | None  # seconds until the next try, where one is planned
    leaving: bool  # the phone is being unlinked
    svg: Markup | None = None
    seconds_left: int = 0


def panel_of(instance: Instance) -> Panel:
    """The panel for the instance as it is now."""
    now = utcnow()
    step, svg, seconds_left = _STEPS[instance.instance_state], None, 0
    leaving = instance.desired == DesiredState.SIGNED_OUT
    if step == "preparing":
        pairing = pairings.active_of(instance)
        if pairing is not None and pairing.code and pairing.code_expires_at:
            step, svg = "qr", Markup(svg_of(pairing.code))  # noqa: S704 - no text of anybody
            seconds_left = _seconds_until(pairing.code_expires_at, now)
    return Panel(
        instance=instance,
        account=instance.account,
        step=step,
        word=words.state_word(instance),
        sentence=words.reason_sentence(instance),
        hint=words.reason_hint(instance),
        leaving=leaving,
        poll_every=FAST if leaving or step in _ABOUT_TO_CHANGE else BRISK,
        retry_in=_seconds_until(instance.retry_at, now) if instance.retry_at else None,
        svg=svg,
        seconds_left=seconds_left,
    )


def _seconds_until(moment: datetime, now: datetime) -> int:
    return max(0, round((moment - now).total_seconds()))
