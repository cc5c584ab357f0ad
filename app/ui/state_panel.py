"""The state panel of an instance: one small machine, drawn by `instances/_state.html`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from app.clock import utcnow
from app.core.states import DesiredState, InstanceState
from app.models import Instance, LinkedAccount, Pairing
from app.models.pairing import PHONE_CODE
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
_LINKED = frozenset({"connecting", "connected", "disconnected"})
_ABOUT_TO_CHANGE = frozenset({"preparing", "qr", "phone_code", "connecting"})


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
    phone_code: str = ""  # to be typed on the phone: two groups of four
    phone: str | None = None  # that the code is made for
    asked_for: str | None = None  # that it was made for, where another number was linked
    seconds_left: int = 0


def panel_of(instance: Instance, *, warn: bool = False) -> Panel:
    """The panel for the instance as it is now. `warn`: before a phone is linked the risks are to
    be confirmed."""
    now = utcnow()
    step = _STEPS[instance.instance_state]
    if warn:
        step = "risks"
    leaving = instance.desired == DesiredState.SIGNED_OUT
    shown: dict[str, Any] = {}
    pairing = pairings.active_of(instance) if step == "preparing" else None
    if pairing is not None:
        step, shown = _code_of(pairing, now)
    elif step in _LINKED:
        shown["asked_for"] = pairings.number_asked_for(instance)
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
        **shown,
    )


def _code_of(pairing: Pairing, now: datetime) -> tuple[str, dict[str, Any]]:
    """The step of an attempt, and what to show of its code."""
    shown: dict[str, Any] = {"phone": pairing.phone}
    if not pairing.code or not pairing.code_expires_at:
        return "preparing", shown
    shown["seconds_left"] = _seconds_until(pairing.code_expires_at, now)
    if pairing.method == PHONE_CODE:
        return "phone_code", shown | {"phone_code": pairing.code}
    return "qr", shown | {"svg": Markup(svg_of(pairing.code))}  # noqa: S704 - no text of anybody


def _seconds_until(moment: datetime, now: datetime) -> int:
    return max(0, round((moment - now).total_seconds()))
