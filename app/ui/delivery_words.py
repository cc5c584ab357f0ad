"""Deliveries of webhooks in words: where one stands, and why a try failed."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext

from app.core.texts import N_
from app.models.webhook import DeliveryStatus

STATES = {
    DeliveryStatus.PENDING: N_("Waiting"),
    DeliveryStatus.DELIVERED: N_("Arrived"),
    DeliveryStatus.FAILED: N_("Given up"),
}
ERRORS = {
    "timeout": N_("no answer in time"),
    "tls_failed": N_("its certificate is not valid"),
    "connection_closed": N_("it broke off the connection"),
    "connection_refused": N_("nobody listens there"),
    "unreachable": N_("there is no way there"),
    "address_refused": N_("its address is not allowed"),
    "name_not_found": N_("its name is not known"),
    "no_network": N_("this server has no network"),
    "no_name_service": N_("this server cannot look up names"),
    "request_failed": N_("the request failed"),
}


def delivery_state(status: DeliveryStatus) -> str:
    """Where a delivery stands."""
    return str(gettext(STATES[status]))


def delivery_error(slug: str | None) -> str:
    """Why a try failed: a slug in words, or the status of the answer as it is."""
    return str(gettext(ERRORS[slug])) if slug in ERRORS else slug or ""


def delivery_choices(view: Any) -> list[tuple[str, str, bool]]:
    """The states in words, each with its address and whether it is shown."""
    return [
        (delivery_state(status), view.address(status=status), view.wish.status == status)
        for status in DeliveryStatus
    ]
