"""Erasing all that is known of one contact: asked twice, the second time for the number."""

from __future__ import annotations

from flask import request
from flask_babel import gettext
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app.core.errors import Invalid
from app.i18n import words_of
from app.services import contacts, erasures
from app.ui.answers import question
from app.ui.blueprint import bp
from app.ui.contact_acts import done
from app.ui.instances import owned

_ERASE = "/ui/instances/<instance_id>/contacts/<contact_id>/erase"


@bp.get(_ERASE)
@login_required
def confirm_erasure(instance_id: str, contact_id: str) -> Response:
    """Asks, and names what would be lost; with ?sure asks for the number."""
    return _question(instance_id, contact_id, is_sure="sure" in request.args)


@bp.post(_ERASE)
@login_required
def erase_contact(instance_id: str, contact_id: str) -> Response:
    """Erases it all."""
    number = request.form.get("number", "")
    try:
        erasures.erase(lambda: owned(instance_id), contact_id, typed=number, actor=current_user)
    except Invalid as error:
        return _question(instance_id, contact_id, is_sure=True, error=words_of(error))
    return done(instance_id, gettext("All that was known of this contact was erased."))


def _question(instance_id: str, contact_id: str, *, is_sure: bool, error: str = "") -> Response:
    instance = owned(instance_id)
    contact = contacts.get_for(instance, contact_id)
    return question(
        "contacts/_erase.html",
        "contacts/erase.html",
        status=422 if error else 200,
        instance=instance,
        contact=contact,
        loss=erasures.loss_of(instance, erasures.person_of(instance, contact)),
        is_sure=is_sure,
        error=error,
    )
