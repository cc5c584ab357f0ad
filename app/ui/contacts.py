"""The contacts of an instance: WhatsApp's and those kept here, and adding one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import flash, g, request, url_for
from flask_babel import gettext
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app import topics
from app.clock import utcnow
from app.config import current_settings
from app.core.errors import AppError
from app.core.states import InstanceState
from app.models import Contact, Instance
from app.services import contact_imports, contact_lists, contacts, number_checks
from app.services.contact_lists import Order, Source, Wish
from app.services.contacts import ContactExists
from app.transaction import transaction
from app.ui.answers import page, respond, see_other
from app.ui.blueprint import bp
from app.ui.contact_form import ContactForm
from app.ui.contact_tasks import task_context
from app.ui.forms import show_error
from app.ui.instances import owned
from app.ui.polling import CALM, FAST, fresh_version_of, polled
from app.ui.seen_faces import faces_of_contacts, wish_for_faces_of_contacts

TEXT_LENGTH = 100
IS_NEWS = timedelta(hours=1)
"""What came of an import is said aloud for so long; then in a quiet line."""
_IMPORT = "/ui/instances/<instance_id>/contacts/import"


def _topics(instance_id: str) -> list[str]:
    return [topics.contacts(instance_id), topics.instance(instance_id)]


@dataclass(frozen=True, slots=True)
class Listing:
    """What this request wants to see. It stands in the address."""

    instance_id: str
    wish: Wish

    def address(self, **changes: object) -> str:
        """The address of the page with `changes` to what is wanted now; another choice begins at
        the beginning."""
        return url_for("ui.show_contacts", **self._arguments(**changes))

    def fragment(self, **changes: object) -> str:
        """The same for the list alone."""
        return url_for("ui.contacts_list", **self._arguments(**changes))

    def poll(self) -> str:
        """The address that the list asks for news."""
        return self.fragment(after=self.wish.cursor, v=g.version)

    def export(self, ending: str) -> str:
        """The address of a file with everybody whom the list finds."""
        return url_for(f"ui.export_{ending}", **self._arguments())

    def _arguments(self, **changes: object) -> dict[str, Any]:
        wanted = {
            "instance_id": self.instance_id,
            "source": self.wish.source,
            "q": self.wish.text,
            "sort": self.wish.order if self.wish.order is not Order.NAME else None,
        } | changes
        return {name: value for name, value in wanted.items() if value}


@bp.get("/ui/instances/<instance_id>/contacts")
@polled(_topics)
@login_required
def show_contacts(instance_id: str) -> Response:
    """A page of the contacts of one source."""
    return _page(owned(instance_id), ContactForm(formdata=None))


@bp.get("/ui/instances/<instance_id>/contacts/list")
@polled(_topics)
@login_required
def contacts_list(instance_id: str) -> Response:
    """The list alone, for its poll and its search, which becomes the page's address."""
    instance = owned(instance_id)
    listing = listing_of(instance)
    at = listing.address(after=listing.wish.cursor)
    context = _list_context(instance, listing)
    if "v" in request.args:
        counts = counts_of(instance)
        response = respond("contacts/_list.html", page=at, with_tabs=True, counts=counts, **context)
    else:
        response = respond("contacts/_list.html", page=at, **context)
        response.headers["HX-Replace-Url"] = at
    wish_for_faces_of_contacts(instance, context["part"].lines, context["faces"])
    return response


@bp.get(_IMPORT)
@polled(_topics)
@login_required
def show_import(instance_id: str) -> Response:
    """The import alone, for its poll. One that has ended brings the list up to date."""
    return _import(owned(instance_id))


@bp.post(_IMPORT)
@login_required
def start_import(instance_id: str) -> Response:
    """Copies WhatsApp's contacts into the database, in the background."""
    instance = owned(instance_id)
    with transaction():
        contact_imports.start(instance, actor=current_user)
    g.version = fresh_version_of(*_topics(instance_id))
    return _import(owned(instance_id))


@bp.post(f"{_IMPORT}/cancel")
@login_required
def cancel_import(instance_id: str) -> Response:
    """Ends the import that runs; what was copied stays."""
    instance = owned(instance_id)
    with transaction():
        job = contact_imports.latest(instance)
        if job is not None and job.is_running:
            contact_imports.cancel(job)
    g.version = fresh_version_of(*_topics(instance_id))
    return _import(owned(instance_id))


def _import(instance: Instance) -> Response:
    at = url_for("ui.show_contacts", instance_id=instance.id)
    context = import_context(instance)
    response = respond("contacts/_import.html", page=at, instance=instance, **context)
    if context["job"] and not context["job"].is_running:
        response.headers["HX-Trigger-After-Swap"] = "contacts-changed"
    return response


@bp.post("/ui/instances/<instance_id>/contacts")
@login_required
def add_contact(instance_id: str) -> Response:
    """Adds a contact; one that has the number already is shown, and can be given the name."""
    instance, form = owned(instance_id), ContactForm()
    try:
        with transaction():
            contact = contacts.add(
                instance,
                phone=form.phone.data or "",
                name=form.name.data or "",
                country=current_settings().default_country,
                update="update" in request.form,
            )
            name = contact.shown_name
            if instance.instance_state is InstanceState.CONNECTED and contact.lid is None:
                number_checks.ask(
                    instance, str(contact.phone)
                )  # told in the list, once it is known
    except ContactExists as error:
        return _page(instance, form, status=error.status, existing=error.contact)
    except AppError as error:
        show_error(form, error)
        form.focus_first_wrong()
        return _page(instance, form, status=error.status)
    flash(gettext("The contact is in the database: %(name)s.", name=name))
    return see_other(
        url_for("ui.show_contacts", instance_id=instance_id, source=Source.DATABASE.value)
    )


def _page(
    instance: Instance, form: ContactForm, *, status: int = 200, existing: Contact | None = None
) -> Response:
    g.version = fresh_version_of(*_topics(instance.id))
    instance = owned(instance.id)
    context = _list_context(instance, listing_of(instance))
    response = page(
        "contacts/show.html",
        status=status,
        form=form,
        existing=existing,
        counts=counts_of(instance),
        **import_context(instance),
        **task_context(instance),
        **context,
    )
    wish_for_faces_of_contacts(instance, context["part"].lines, context["faces"])
    return response


def counts_of(instance: Instance) -> dict[Source, int]:
    """How many contacts each source has."""
    return {source: contact_lists.count(instance, source) for source in Source}


def import_context(instance: Instance) -> dict[str, Any]:
    """The import that runs or ran last, and how often to look at it."""
    job = contact_imports.latest(instance)
    return {
        "job": job,
        "job_every": FAST if job and job.is_running else CALM,
        "is_news": bool(job and job.finished_at and utcnow() - job.finished_at < IS_NEWS),
    }


def _list_context(instance: Instance, listing: Listing) -> dict[str, Any]:
    country = current_settings().default_country
    part = contact_lists.page_of(instance, listing.wish, country=country)
    is_checking = any(line.is_checking for line in part.lines)
    if is_checking:
        g.version = "-"  # no version: it is shown anew even if no answer comes
    return {
        "instance": instance,
        "listing": listing,
        "part": part,
        "faces": faces_of_contacts(instance, part.lines),
        "orders": Order,
        "poll_every": FAST if is_checking else CALM,
    }


def listing_of(instance: Instance) -> Listing:
    """What the address asks for."""
    source, order = request.args.get("source"), request.args.get("sort")
    wish = Wish(
        source=Source(source) if source in set(Source) else Source.WHATSAPP,
        text=request.args.get("q", "").replace("\0", "").strip()[:TEXT_LENGTH],
        order=Order(order) if order in set(Order) else Order.NAME,
        cursor=request.args.get("after") or None,
    )
    return Listing(instance.id, wish)
