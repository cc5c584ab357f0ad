"""What people type into pages. Values are judged by the services, not here."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    HiddenField,
    IntegerField,
    PasswordField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    URLField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget, PasswordInput

from app.core.errors import AppError, Invalid
from app.core.events import Subscription
from app.core.texts import N_
from app.i18n import words_of
from app.models import Endpoint, Instance
from app.services import webhooks


def secret_widget() -> PasswordInput:
    """A field whose content is hidden until asked for, and stays when the form comes back."""
    return PasswordInput(hide_value=False)


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


class SetupForm(FlaskForm):
    """The first administrator."""

    email = EmailField(lazy_gettext("Email"))
    name = StringField(lazy_gettext("Your name"))
    password = PasswordField(lazy_gettext("Password"))


class InstanceForm(FlaskForm):
    """An instance and its webhook. Fields are named as the services name them in an Invalid."""

    name = StringField(lazy_gettext("Name"))
    description = TextAreaField(lazy_gettext("Description"))
    webhook_url = URLField(lazy_gettext("Webhook URL"))
    events = SelectMultipleField(
        lazy_gettext("Types of notifications"),
        choices=[
            SelectChoice(Subscription.RECEIVED.value, lazy_gettext("Received messages")),
            SelectChoice(Subscription.SENT.value, lazy_gettext("Sent messages")),
            SelectChoice(Subscription.DELIVERY.value, lazy_gettext("Delivery status")),
            SelectChoice(Subscription.READ.value, lazy_gettext("Read status")),
        ],
        default=list(webhooks.DEFAULT_EVENTS),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    max_retries = IntegerField(
        lazy_gettext("Retries"), default=webhooks.DEFAULT_MAX_RETRIES, validators=[InputRequired()]
    )
    retry_interval = IntegerField(
        lazy_gettext("Seconds before the first retry"),
        default=webhooks.DEFAULT_RETRY_INTERVAL_MS // 1000,
        validators=[InputRequired()],
    )
    webhook_secret = StringField(lazy_gettext("Secret key"), widget=secret_widget())
    headers = TextAreaField(lazy_gettext("HTTP headers"))

    def check(self) -> None:
        """Raises Invalid when a number is no number; WTForms has put that beside the field."""
        if not self.validate():
            raise Invalid(N_("Correct the marked fields."))


def instance_form(instance: Instance, endpoint: Endpoint | None) -> InstanceForm:
    """The form filled with what stands; without an endpoint, with what a new one would have."""
    values: dict[str, Any] = {"name": instance.name, "description": instance.description}
    if endpoint is not None:
        values |= {
            "webhook_url": endpoint.url,
            "events": endpoint.events,
            "max_retries": endpoint.max_retries,
            "retry_interval": endpoint.retry_interval_ms // 1000,
            "webhook_secret": endpoint.secret,
            "headers": "\n".join(f"{name}: {value}" for name, value in endpoint.headers.items()),
        }
    return InstanceForm(formdata=None, data=values)


def headers_of(text: str) -> dict[str, str]:
    """The headers written one a line as "Name: value". Raises Invalid (headers)."""
    headers: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, separator, value = line.partition(":")
        if not separator:
            raise Invalid(N_("Write each header on a line, like “Name: value”."), field="headers")
        if name.strip() in headers:
            message = N_("The header %(name)s stands there twice.")
            raise Invalid(message, field="headers", name=name.strip())
        headers[name.strip()] = value.strip()
    return headers


def show_error(form: FlaskForm, error: AppError, *, field: str = "") -> None:
    """Puts what the service objected to beside the field it is about, else above the form.

    `field` is the one an error is about that names none itself.
    """
    name = _snake_case(getattr(error, "field", None) or field)
    if name in form._fields:
        wrong = form._fields[name]
        wrong.errors = [*wrong.errors, words_of(error)]
    else:
        form.form_errors.append(words_of(error))


def _snake_case(name: str) -> str:
    """Services name fields as the API does: webhookUrl is the form's webhook_url."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
