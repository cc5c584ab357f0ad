"""What people type about people: signing in, making an account, profile, administration."""

from __future__ import annotations

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    HiddenField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from app.core.errors import Invalid
from app.core.texts import N_
from app.i18n import LANGUAGES
from app.models.user import ADMINISTRATOR, USER
from app.services.api_keys import Grace
from app.services.invitations import DEFAULT_DAYS
from app.ui.forms import secret_widget

ROLES = [
    SelectChoice(USER, lazy_gettext("User")),
    SelectChoice(ADMINISTRATOR, lazy_gettext("Administrator")),
]
DAYS = [
    SelectChoice(1, lazy_gettext("1 day")),
    SelectChoice(7, lazy_gettext("7 days")),
    SelectChoice(30, lazy_gettext("30 days")),
]
GRACES = [
    SelectChoice(Grace.NONE.value, lazy_gettext("Ends at once")),
    SelectChoice(Grace.HOUR.value, lazy_gettext("Works for another hour")),
    SelectChoice(Grace.DAY.value, lazy_gettext("Works for another 24 hours")),
    SelectChoice(Grace.WEEK.value, lazy_gettext("Works for another 7 days")),
]
THEMES = [
    SelectChoice("system", lazy_gettext("As the system")),
    SelectChoice("light", lazy_gettext("Light")),
    SelectChoice("dark", lazy_gettext("Dark")),
]


class Checked(FlaskForm):
    """A form whose choices and numbers WTForms checks; all else is judged by the services."""

    def check(self) -> None:
        """Raises Invalid when a value is no number or none of the choices; WTForms has put that
        beside the field."""
        if not self.validate():
            raise Invalid(N_("Correct the marked fields."))


class EmailSignInForm(FlaskForm):
    """Email and password."""

    email = EmailField(lazy_gettext("Email"))
    password = PasswordField(lazy_gettext("Password"))
    remember = BooleanField(lazy_gettext("Remember me on this device"))
    next = HiddenField()


class KeySignInForm(FlaskForm):
    """The personal API key."""

    key = StringField(lazy_gettext("API key"), widget=secret_widget())
    remember = BooleanField(lazy_gettext("Remember me on this device"))
    next = HiddenField()


class AccountForm(FlaskForm):
    """A new account: the first one, or one that somebody was invited to."""

    email = EmailField(lazy_gettext("Email"))
    name = StringField(lazy_gettext("Your name"))
    password = PasswordField(lazy_gettext("Password"))


class ResetForm(FlaskForm):
    """A new password for one that was forgotten."""

    password = PasswordField(lazy_gettext("New password"))


class NameForm(FlaskForm):
    """What one is called."""

    name = StringField(lazy_gettext("Name"))


class PreferencesForm(Checked):
    """How the pages speak and look."""

    language = RadioField(
        lazy_gettext("Language"), choices=[SelectChoice(*one) for one in LANGUAGES.items()]
    )
    theme = RadioField(lazy_gettext("Theme"), choices=THEMES)


class PasswordForm(FlaskForm):
    """Another password, by who knows the present one."""

    current_password = PasswordField(lazy_gettext("Current password"))
    new_password = PasswordField(lazy_gettext("New password"))


class RotationForm(Checked):
    """What becomes of the old API key."""

    grace = RadioField(lazy_gettext("The old key"), choices=GRACES, default=Grace.DAY.value)


class PersonForm(Checked):
    """What an administrator decides about a person."""

    role = SelectField(lazy_gettext("Role"), choices=ROLES, default=USER)
    instance_limit = IntegerField(lazy_gettext("Limit of instances"), validators=[Optional()])


class InvitationForm(PersonForm):
    """Whom to invite, as what, and how long the link works."""

    email = EmailField(lazy_gettext("Email"))
    days = SelectField(
        lazy_gettext("The link works for"), choices=DAYS, coerce=int, default=DEFAULT_DAYS
    )


class DisablingForm(Checked):
    """What becomes of a disabled person's instances."""

    instances = RadioField(
        lazy_gettext("Their instances"),
        choices=[
            SelectChoice("run", lazy_gettext("Go on running")),
            SelectChoice("stop", lazy_gettext("Stop")),
        ],
        default="run",
    )
