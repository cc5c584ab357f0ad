"""The page about oneself."""

from __future__ import annotations

from typing import Any

from flask import flash, url_for
from flask_babel import get_locale, gettext
from flask_login import login_required
from werkzeug.wrappers import Response

from app.core.errors import AppError, NotFound
from app.models import ApiKey, User
from app.security import browser_sessions, limit_sign_in
from app.security.browser_sessions import current_person
from app.services import accounts, api_keys, sign_ins
from app.services.api_keys import Grace
from app.transaction import transaction
from app.ui.account_forms import NameForm, PasswordForm, PreferencesForm, RotationForm
from app.ui.answers import fragment, page, see_other, wants_fragment
from app.ui.blueprint import bp
from app.ui.forms import show_error
from app.ui.language import remember_language
from app.ui.theme import SYSTEM, chosen_theme, remember_theme


@bp.get("/ui/profile")
@login_required
def show_profile() -> Response:
    """Name, API key behind a reveal, password, language and theme, and where one is signed in."""
    return _profile()


@bp.post("/ui/profile/name")
@login_required
def save_name() -> Response:
    """Saves the name."""
    form = NameForm()
    try:
        with transaction():
            accounts.rename(current_person(), form.name.data or "")
    except AppError as error:
        show_error(form, error)
        return _profile(error.status, name_form=form)
    return _done(gettext("Changes saved."))


@bp.post("/ui/profile/preferences")
@login_required
def choose_preferences() -> Response:
    """Saves language and theme, for every browser of the person."""
    form = PreferencesForm()
    me = current_person()
    try:
        form.check()
        theme = None if form.theme.data == SYSTEM else form.theme.data
        with transaction():
            accounts.prefer(me, language=form.language.data, theme=theme)
    except AppError as error:
        show_error(form, error)
        return _profile(error.status, preferences_form=form)
    response = _done("")
    remember_language(response, form.language.data)
    remember_theme(response, form.theme.data)
    return response


@bp.post("/ui/profile/password")
@login_required
def change_password() -> Response:
    """Sets a new password; other browsers are signed out."""
    form = PasswordForm()
    me, here = current_person(), browser_sessions.current_sign_in()
    try:
        limit_sign_in(me.email)
        with transaction():
            accounts.change_password(
                me,
                current=form.current_password.data or "",
                new=form.new_password.data or "",
                keep=here.id if here else None,
            )
    except AppError as error:
        show_error(form, error)
        return _profile(error.status, password_form=form)
    return _done(gettext("The password was changed. Other browsers are signed out."))


@bp.post("/ui/profile/key")
@login_required
def show_key() -> Response:
    """The API key in the clear: only ever in the answer to this."""
    return _key_card(shown=True)


@bp.post("/ui/profile/key/hide")
@login_required
def hide_key() -> Response:
    """The card without it."""
    return _key_card(shown=False)


@bp.post("/ui/profile/key/rotate")
@login_required
def rotate_key() -> Response:
    """A new API key, shown at once; the old one works on for as long as was chosen."""
    form = RotationForm()
    try:
        form.check()
        with transaction():
            api_keys.rotate(current_person(), grace=Grace(form.grace.data))
    except AppError as error:
        show_error(form, error)
        return _key_card(shown=False, form=form, status=error.status)
    return _key_card(shown=True, is_new=True)


@bp.post("/ui/profile/key/end-former")
@login_required
def end_former_keys() -> Response:
    """Ends replaced keys before their time."""
    with transaction():
        api_keys.end_former(current_person())
    return _key_card(shown=False)


@bp.post("/ui/profile/sign-ins/<sign_in_id>/end")
@login_required
def end_sign_in(sign_in_id: str) -> Response:
    """Signs another browser out."""
    with transaction():
        sign_ins.end(current_person(), sign_in_id)
    return _done(gettext("That browser is signed out."))


@bp.post("/ui/profile/sign-ins/end-others")
@login_required
def end_other_sign_ins() -> Response:
    """Signs every browser out but this one, and programs that signed in."""
    me, here = current_person(), browser_sessions.current_sign_in()
    with transaction():
        accounts.sign_out_everywhere(me, keep=here.id if here else None)
    return _done(gettext("All other browsers are signed out."))


def _done(text: str) -> Response:
    if text:
        flash(text)
    return see_other(url_for("ui.show_profile"))


def _profile(status: int = 200, **forms: Any) -> Response:
    return page("account/profile.html", status=status, **(_context() | forms))


def _key_card(*, shown: bool, status: int = 200, **context: Any) -> Response:
    """The card of the API key alone for htmx, else the whole page with it."""
    context = _context() | {"key_is_shown": shown} | context
    if wants_fragment():
        return fragment("account/_key.html", status=status, **context)
    return page("account/profile.html", status=status, **context)


def _context() -> dict[str, Any]:
    me = current_person()
    return {
        "me": me,
        "key": _key_of(me),
        "key_is_shown": False,
        "former_keys": api_keys.former_keys(me),
        "sign_ins": sign_ins.all_of(me),
        "this_sign_in": browser_sessions.current_sign_in(),
        "form": RotationForm(formdata=None),
        "name_form": NameForm(formdata=None, data={"name": me.name}),
        "password_form": PasswordForm(formdata=None),
        "preferences_form": PreferencesForm(formdata=None, data=_preferences_of(me)),
    }


def _preferences_of(user: User) -> dict[str, str]:
    return {"language": user.language or str(get_locale()), "theme": user.theme or chosen_theme()}


def _key_of(user: User) -> ApiKey | None:
    try:
        return api_keys.current_key(user)
    except NotFound:
        return None
