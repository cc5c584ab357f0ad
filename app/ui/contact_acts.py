"""What is done to one contact of the database: changed, or deleted after a question."""

from __future__ import annotations

from flask import flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_login import login_required
from werkzeug.wrappers import Response

from app.config import current_settings
from app.core.errors import AppError
from app.core.phones import show_phone
from app.models import Contact, Instance
from app.services import contacts
from app.services.contact_lists import Source
from app.transaction import transaction
from app.ui.answers import question, see_other, wants_fragment
from app.ui.blueprint import bp
from app.ui.contact_form import ContactChangeForm
from app.ui.forms import show_error
from app.ui.instances import owned

_CONTACT = "/ui/instances/<instance_id>/contacts/<contact_id>"


@bp.get(f"{_CONTACT}/edit")
@login_required
def edit_contact(instance_id: str, contact_id: str) -> Response:
    """The form with the contact's number and name."""
    instance = owned(instance_id)
    contact = contacts.get_for(instance, contact_id)
    values = {"phone": show_phone(contact.phone), "name": contact.name}
    values |= {"tags": ", ".join(contact.tags), "note": contact.note}
    return _form(instance, contact, ContactChangeForm(formdata=None, data=values))


@bp.post(f"{_CONTACT}/edit")
@login_required
def change_contact(instance_id: str, contact_id: str) -> Response:
    """Saves number and name."""
    instance, form = owned(instance_id), ContactChangeForm()
    try:
        with transaction():
            contacts.change(
                instance,
                contacts.get_for(instance, contact_id),
                phone=form.phone.data or "",
                name=form.name.data or "",
                country=current_settings().default_country,
                note=form.note.data or "",
                tags=(form.tags.data or "").split(","),
                drop=request.form.getlist("drop"),
            )
    except AppError as error:
        contact = contacts.get_for(owned(instance_id), contact_id)
        show_error(form, error, field="phone")
        form.focus_first_wrong()
        return _form(owned(instance_id), contact, form, error.status)
    return done(instance_id, gettext("Changes saved."))


@bp.get(f"{_CONTACT}/delete")
@login_required
def confirm_contact_deletion(instance_id: str, contact_id: str) -> Response:
    """Asks before a contact is deleted."""
    instance = owned(instance_id)
    return question(
        "contacts/_delete.html",
        "contacts/delete.html",
        instance=instance,
        contact=contacts.get_for(instance, contact_id),
    )


@bp.post(f"{_CONTACT}/delete")
@login_required
def delete_contact(instance_id: str, contact_id: str) -> Response:
    """Deletes the contact; its chat stays."""
    instance = owned(instance_id)
    with transaction():
        contact = contacts.get_for(instance, contact_id)
        name = contact.shown_name
        contacts.delete(instance, contact)
    return done(instance_id, gettext("The contact “%(name)s” was deleted.", name=name))


def _form(
    instance: Instance, contact: Contact, form: ContactChangeForm, status: int = 200
) -> Response:
    return question(
        "contacts/_edit.html",
        "contacts/edit.html",
        status=status,
        instance=instance,
        contact=contact,
        form=form,
    )


def done(instance_id: str, sentence: str) -> Response:
    """Tells it where the question was asked: the list stays and brings itself up to date."""
    if wants_fragment():
        response = make_response(render_template("instances/_deleted.html", sentence=sentence))
        response.headers["HX-Trigger-After-Swap"] = "answered, contacts-changed"
        return response
    flash(sentence)
    return see_other(
        url_for("ui.show_contacts", instance_id=instance_id, source=Source.DATABASE.value)
    )
