"""People, for administrators: who may sign in, as what, with how many instances."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import flash, request, url_for
from flask_babel import gettext
from flask_login import login_required
from werkzeug.wrappers import Response

from app.core.errors import AppError, Forbidden, NotFound
from app.core.texts import N_
from app.models import Invitation
from app.security.browser_sessions import current_person
from app.services import invitations, password_resets, people, sign_ins
from app.services.people import Person
from app.transaction import transaction
from app.ui.account_forms import DisablingForm, InvitationForm, PersonForm
from app.ui.answers import page, respond, see_other, wants_fragment
from app.ui.blueprint import bp
from app.ui.forms import show_error

View = TypeVar("View", bound=Callable[..., Response])
PER_PAGE = 50


def administrators_only(view: View) -> View:
    """Answers 403 to everybody else before anything is looked up, so that nobody learns who is
    there."""

    @login_required
    @wraps(view)
    def guarded(**arguments: Any) -> Response:
        if not current_person().is_administrator:
            raise Forbidden(N_("Only administrators may do this."), code="administrators_only")
        return view(**arguments)

    return guarded


@bp.get("/ui/users")
@administrators_only
def list_users() -> Response:
    """Everybody, and the invitations that are open; the search is for the list alone."""
    context = _list_context()
    if wants_fragment():
        return respond("users/_list.html", page=url_for("ui.list_users"), **context)
    return page("users/list.html", invitations=invitations.open_ones(), **context)


@bp.get("/ui/users/invite")
@administrators_only
def new_invitation() -> Response:
    """The form for an invitation."""
    return page("users/invite.html", form=InvitationForm())


@bp.post("/ui/users/invite")
@administrators_only
def create_invitation() -> Response:
    """Makes the link and shows it."""
    form = InvitationForm()
    try:
        form.check()
        with transaction():
            row = invitations.create(
                actor=current_person(),
                email=form.email.data or "",
                role=form.role.data,
                instance_limit=form.instance_limit.data,
                days=form.days.data,
            )
    except AppError as error:
        show_error(form, error)
        return page("users/invite.html", status=error.status, form=form)
    return see_other(url_for("ui.show_open_invitation", invitation_id=row.id))


@bp.get("/ui/users/invitations/<invitation_id>")
@administrators_only
def show_open_invitation(invitation_id: str) -> Response:
    """The link, to copy."""
    row = _invitation(invitation_id)
    url = url_for("ui.show_invitation", token=row.token_encrypted, _external=True)
    return page("users/invitation.html", invitation=row, url=url)


@bp.post("/ui/users/invitations/<invitation_id>/take-back")
@administrators_only
def take_back_invitation(invitation_id: str) -> Response:
    """Makes the link worthless."""
    with transaction():
        invitations.take_back(invitation_id, actor=current_person())
    flash(gettext("The invitation was taken back."))
    return see_other(url_for("ui.list_users"))


@bp.get("/ui/users/<user_id>")
@administrators_only
def show_user(user_id: str) -> Response:
    """One person."""
    return _person(people.get(user_id))


@bp.post("/ui/users/<user_id>")
@administrators_only
def change_user(user_id: str) -> Response:
    """Saves role and limit."""
    form = PersonForm()
    try:
        form.check()
        with transaction():
            user = people.get(user_id).user
            people.change_role(user, form.role.data, actor=current_person())
            people.change_limit(user, form.instance_limit.data, actor=current_person())
    except AppError as error:
        show_error(form, error, field="role" if error.code == "last_administrator" else "")
        return _person(people.get(user_id), status=error.status, form=form)
    return _back(user_id, gettext("Changes saved."))


@bp.post("/ui/users/<user_id>/reset-link")
@administrators_only
def create_reset_link(user_id: str) -> Response:
    """A link for a new password: shown in this answer and never again."""
    with transaction():
        person = people.get(user_id)
        token, row = password_resets.create(person.user, actor=current_person())
    url = url_for("ui.show_reset", token=token, _external=True)
    return page("users/reset_link.html", person=person, url=url, reset=row)


@bp.get("/ui/users/<user_id>/disable")
@administrators_only
def confirm_disabling(user_id: str) -> Response:
    """Asks, and lets choose what becomes of the instances."""
    return _ask("users/disable.html", people.get(user_id), form=DisablingForm())


@bp.post("/ui/users/<user_id>/disable")
@administrators_only
def disable_user(user_id: str) -> Response:
    """Shuts the person out."""
    form = DisablingForm()
    try:
        form.check()
        with transaction():
            user = people.get(user_id).user
            stop = form.instances.data == "stop"
            people.disable(user, actor=current_person(), stop_instances=stop)
    except AppError as error:
        show_error(form, error)
        return _ask("users/disable.html", people.get(user_id), form=form, status=error.status)
    return _back(user_id, gettext("The account is disabled."))


@bp.post("/ui/users/<user_id>/enable")
@administrators_only
def enable_user(user_id: str) -> Response:
    """Lets the person in again."""
    with transaction():
        people.enable(people.get(user_id).user, actor=current_person())
    return _back(user_id, gettext("The account is enabled."))


@bp.get("/ui/users/<user_id>/delete")
@administrators_only
def confirm_user_deletion(user_id: str) -> Response:
    """Asks, and names what would be lost."""
    return _ask("users/delete.html", people.get(user_id))


@bp.post("/ui/users/<user_id>/delete")
@administrators_only
def delete_user(user_id: str) -> Response:
    """Deletes the person with everything they had."""
    with transaction():
        user = people.get(user_id).user
        email = user.email
        people.delete(user, actor=current_person())
    flash(gettext("The account of %(email)s was deleted.", email=email))
    return see_other(url_for("ui.list_users"))


def _list_context() -> dict[str, Any]:
    search = request.args.get("search", "")[:100]
    found, more = people.page_of(search=search, after=request.args.get("after"), limit=PER_PAGE)
    later = url_for("ui.list_users", search=search or None, after=found[-1].user.id) if more else ""
    return {"people": found, "search": search, "later": later}


def _invitation(invitation_id: str) -> Invitation:
    for row in invitations.open_ones():
        if row.id == invitation_id:
            return row
    raise NotFound(N_("There is no such invitation."), code="invitation_not_found")


def _person(person: Person, *, status: int = 200, form: PersonForm | None = None) -> Response:
    user = person.user
    values = {"role": user.role, "instance_limit": user.instance_limit}
    return page(
        "users/show.html",
        status=status,
        person=person,
        form=form or PersonForm(formdata=None, data=values),
        sign_ins=sign_ins.all_of(user),
        is_me=user.id == current_person().id,
    )


def _ask(template: str, person: Person, *, status: int = 200, **context: Any) -> Response:
    lost = people.belongings_of(person.user)
    return page(template, status=status, person=person, lost=lost, **context)


def _back(user_id: str, text: str) -> Response:
    flash(text)
    return see_other(url_for("ui.show_user", user_id=user_id))
