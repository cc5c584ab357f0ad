"""The test network's phone, beside the QR code. Loaded in sandbox mode only: no other page of the
product knows that there is a sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from flask import Blueprint, current_app
from flask_login import login_required
from werkzeug.wrappers import Response

from app.core.errors import Conflict, Unavailable
from app.core.texts import N_
from app.models import Instance
from app.sandbox.client import SandboxClient, SandboxError
from app.security import protect_cookie_request
from app.services import pairings
from app.ui.details import fresh_panel
from app.ui.instances import owned

bp = Blueprint("test_phone", __name__)
bp.before_request(protect_cookie_request)
log = structlog.get_logger(__name__)


@bp.post("/ui/instances/<instance_id>/test-scan")
@login_required
def scan(instance_id: str) -> Response:
    """Lets the test phone scan the code that is shown now."""
    code = _shown_code(owned(instance_id))
    with _spoken_to():
        SandboxClient(_control_url()).scan(code)
    return fresh_panel(instance_id)


@bp.post("/ui/instances/<instance_id>/test-code")
@login_required
def type_code(instance_id: str) -> Response:
    """Lets the test phone with the code's number type the code that is shown now."""
    instance = owned(instance_id)
    code = _shown_code(instance)
    pairing = pairings.active_of(instance)
    number = pairing.phone if pairing else None
    with _spoken_to():
        SandboxClient(_control_url()).type_code(code, number)
    return fresh_panel(instance_id)


@contextmanager
def _spoken_to() -> Iterator[None]:
    """Turns what can go wrong on the test network into words."""
    try:
        yield
    except SandboxError as error:
        log.warning("test_phone.refused", error=str(error))
        raise Conflict(
            N_("The test phone could not link with this code. Try the next one."),
            code="scan_refused",
        ) from None
    except OSError:
        raise Unavailable(N_("The test network does not answer.")) from None


def _shown_code(instance: Instance) -> str:
    pairing = pairings.active_of(instance)
    if pairing is None or not pairing.code:
        raise Conflict(N_("There is no code to link with at the moment."), code="no_code")
    return pairing.code


def _control_url() -> str:
    """Where the sandbox listens, as it says itself. Raises OSError when it says nothing."""
    announcement = current_app.config["SETTINGS"].sandbox_dir / "sandbox.json"
    return str(json.loads(announcement.read_text())["control_url"])
