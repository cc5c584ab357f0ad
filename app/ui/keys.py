"""API keys for programs: the list, the form, and the one page that shows a new key."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import login_required
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput

from app.clock import utcnow
from app.core.errors import AppError
from app.core.scopes import EXPLAINED, NAMES, Scope
from app.models import ApiKey, Instance, User
from app.security.browser_sessions import current_person
from app.services import instances, named_keys
from app.transaction import transaction
from app.ui.account_forms import Checked
from app.ui.answers import page, see_other
from app.ui.blueprint import bp
from app.ui.forms import show_error

ALL, CHOSEN = "all", "chosen"
DAYS = [
    SelectChoice(0, lazy_gettext("Never")),
    SelectChoice(30, lazy_gettext("In 30 days")),
    SelectChoice(90, lazy_gettext("In 90 days")),
    SelectChoice(365, lazy_gettext("In a year")),
]


class KeyForm(Checked):
    """A key for one program. Fields are named as the services name them in an Invalid."""

    name = StringField(lazy_gettext("Name"))
    scopes = SelectMultipleField(
        lazy_gettext("What it may do"),
        choices=[SelectChoice(one.value, lazy_gettext(NAMES[one])) for one in Scope],
        default=[Scope.READ.value, Scope.SEND.value],
        option_widget=CheckboxInput(),
    )
    reach = RadioField(
        lazy_gettext("For which instances"),
        choices=[
            SelectChoice(ALL, lazy_gettext("All, also those to come")),
            SelectChoice(CHOSEN, lazy_gettext("Only these:")),
        ],
        default=ALL,
    )
    instance_ids = SelectMultipleField(
        lazy_gettext("Instances"), choices=[], option_widget=CheckboxInput()
    )
    expires_at = SelectField(lazy_gettext("It ends"), choices=DAYS, coerce=int, default=0)

    def offer(self, owned: list[Instance]) -> KeyForm:
        """Lets choose among these instances."""
        self.instance_ids.choices = [SelectChoice(one.id, one.name) for one in owned]
        return self


@bp.get("/ui/profile/keys")
@login_required
def list_keys() -> Response:
    """The keys beside the personal one."""
    return _list()


@bp.get("/ui/profile/keys/new")
@login_required
def new_key() -> Response:
    """The form."""
    form = KeyForm(formdata=None).offer(instances.all_of(current_person()))
    return _form(form)


@bp.post("/ui/profile/keys")
@login_required
def create_key() -> Response:
    """Makes the key and shows it, in this answer alone."""
    me = current_person()
    form = KeyForm().offer(instances.all_of(me))
    try:
        form.check()
        with transaction():
            key, secret = _made(me, form)
    except AppError as error:
        show_error(form, error)
        return _form(form, error.status)
    return page("account/key_made.html", key=key, secret=secret)


@bp.post("/ui/profile/keys/<key_id>/revoke")
@login_required
def revoke_key(key_id: str) -> Response:
    """Ends a key at once."""
    me = current_person()
    with transaction():
        named_keys.revoke(me, named_keys.get_for(me, key_id))
    flash(gettext("The key no longer works."))
    return see_other(url_for("ui.list_keys"))


def _made(me: User, form: KeyForm) -> tuple[ApiKey, str]:
    only = None
    if form.reach.data == CHOSEN or form.instance_ids.data:  # rather too narrow than too wide
        only = [instances.get_for(me, one) for one in form.instance_ids.data or []]
    days = form.expires_at.data
    return named_keys.create(
        me,
        name=form.name.data or "",
        scopes=form.scopes.data or [],
        only=only,
        expires_at=utcnow() + timedelta(days=days) if days else None,
    )


def _list() -> Response:
    keys = named_keys.all_of(current_person())
    now = utcnow()
    return page(
        "account/keys.html",
        keys=keys,
        limits=named_keys.instances_of(keys),
        over={key.id for key in keys if key.is_over(now)},
        said={key.id: _said(key) for key in keys},
    )


def _said(key: ApiKey) -> str:
    return ", ".join(gettext(NAMES[Scope(one)]) for one in key.scopes or [])


def _form(form: KeyForm, status: int = 200) -> Response:
    hints = {scope.value: gettext(EXPLAINED[scope]) for scope in Scope}
    return page("account/key_new.html", status=status, form=form, hints=hints)
