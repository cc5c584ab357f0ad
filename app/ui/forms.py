"""What people type into pages. Values are judged by the services, not here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    URLField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional
from wtforms.widgets import CheckboxInput, PasswordInput

from app.core.errors import AppError, Invalid
from app.core.presence import Presence
from app.core.reading import ReadReceipts
from app.core.texts import N_
from app.i18n import words_of
from app.models import Endpoint, Instance
from app.services import webhooks
from app.services.proxy_rules import GivenProxy
from app.ui.words import SUBSCRIPTIONS

SECRET_HEADER = re.compile(r"^[^:\n]*(auth|token|key|secret|password|cookie)[^:\n]*:", re.I | re.M)

EVENT_CHOICES = [
    SelectChoice(choice.value, lazy_gettext(word)) for choice, word in SUBSCRIPTIONS.items()
]


def secret_widget() -> PasswordInput:
    """A field whose content is hidden until asked for, and stays when the form comes back."""
    return PasswordInput(hide_value=False)


class InstanceForm(FlaskForm):
    """An instance and its webhook. Fields are named as the services name them in an Invalid."""

    name = StringField(lazy_gettext("Name"))
    description = TextAreaField(lazy_gettext("Description"))
    webhook_url = URLField(lazy_gettext("Webhook URL"))
    events = SelectMultipleField(
        lazy_gettext("Types of notifications"),
        choices=EVENT_CHOICES,
        default=list(webhooks.DEFAULT_EVENTS),
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
    send_gap_seconds = IntegerField(
        lazy_gettext("Seconds between two messages"), validators=[Optional()]
    )
    read_receipts = SelectField(
        lazy_gettext("Mark incoming messages as read"),
        choices=[
            SelectChoice(ReadReceipts.OFF.value, lazy_gettext("Never")),
            SelectChoice(ReadReceipts.ARRIVAL.value, lazy_gettext("As soon as they arrive")),
            SelectChoice(
                ReadReceipts.OPENING.value, lazy_gettext("When somebody opens the chat here")
            ),
        ],
        default=ReadReceipts.OFF.value,
    )
    reject_calls = BooleanField(lazy_gettext("Reject calls"))
    proxy_scheme = SelectField(
        lazy_gettext("Proxy"),
        choices=[
            SelectChoice("", lazy_gettext("None of its own")),
            SelectChoice("http", "HTTP"),
            SelectChoice("https", "HTTPS"),
            SelectChoice("socks5", "SOCKS5"),
        ],
        default="",
    )
    proxy_host = StringField(lazy_gettext("Host"))
    proxy_port = IntegerField(lazy_gettext("Port"), validators=[Optional()])
    proxy_username = StringField(lazy_gettext("User name"))
    proxy_password = StringField(lazy_gettext("Password"), widget=secret_widget())
    proxy_anyway = BooleanField(lazy_gettext("Save the proxy even if it does not work now"))
    presence = SelectField(
        lazy_gettext("Presence in WhatsApp"),
        choices=[
            SelectChoice(Presence.ONLINE.value, lazy_gettext("Always online")),
            SelectChoice(Presence.NEVER.value, lazy_gettext("Never online")),
        ],
        default=Presence.ONLINE.value,
    )

    @property
    def is_delivery_open(self) -> bool:
        """Whether the part on retries and headers has, or complains of, anything of its own."""
        fields = (self.max_retries, self.retry_interval, self.headers)
        return any(field.errors or field.data != field.default for field in fields if field.data)

    @property
    def has_secret_headers(self) -> bool:
        """Whether a header seems to be nobody else's business."""
        return bool(SECRET_HEADER.search(self.headers.data or ""))

    @property
    def wrong_fields(self) -> list[Field]:
        """The fields with something wrong, from top to bottom."""
        return [field for field in self if field.errors]

    @property
    def is_connection_open(self) -> bool:
        """Whether the section on the connection says, or complains of, anything."""
        fields = [field for name, field in self._fields.items() if name.startswith("proxy_")]
        wrong = any(field.errors for field in (*fields, self.presence))
        return wrong or bool(self.proxy_scheme.data) or self.presence.data != self.presence.default

    @property
    def given_proxy(self) -> GivenProxy | None:
        """The proxy as it was typed; None for none."""
        if not self.proxy_scheme.data:
            return None
        return GivenProxy(
            scheme=self.proxy_scheme.data,
            host=self.proxy_host.data or "",
            port=self.proxy_port.data,
            username=self.proxy_username.data or "",
            password=self.proxy_password.data or "",
        )

    def check(self) -> None:
        """Raises Invalid when a number is no number; WTForms has put that beside the field."""
        if not self.validate():
            raise Invalid(N_("Correct the marked fields."))

    def focus_first_wrong(self) -> None:
        """Puts the cursor where the first correction is due, once the page is loaded."""
        for field in self.wrong_fields[:1]:
            field.render_kw = {**(field.render_kw or {}), "autofocus": True}


def instance_form(instance: Instance, endpoint: Endpoint | None) -> InstanceForm:
    """The form filled with what stands; without an endpoint, with what a new one would have."""
    values: dict[str, Any] = {
        "name": instance.name,
        "description": instance.description,
        "presence": instance.presence,
        "send_gap_seconds": instance.send_gap_seconds,
        "read_receipts": instance.read_receipts,
        "reject_calls": instance.reject_calls,
    }
    if (proxy := instance.proxy) is not None:  # its password goes to no page
        values |= {
            "proxy_scheme": proxy.scheme,
            "proxy_host": proxy.host,
            "proxy_port": proxy.port,
            "proxy_username": proxy.username,
        }
    if endpoint is not None:
        values |= {
            "webhook_url": endpoint.url,
            "events": endpoint.events,
            "max_retries": endpoint.max_retries,
            "retry_interval": endpoint.retry_interval_ms // 1000,
            "webhook_secret": endpoint.secret,
            "headers": headers_text(endpoint.headers),
        }
    return InstanceForm(formdata=None, data=values)


def headers_text(headers: dict[str, str]) -> str:
    """`headers` one a line, as headers_of reads them."""
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


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


def show_errors(form: FlaskForm, first: AppError, checks: Iterable[Callable[[], object]]) -> None:
    """Shows what ended the attempt, and whatever else `checks` object to, one thing a field: nobody
    should have to send a form again to hear of the next mistake in it."""
    show_error(form, first)
    for check in checks:
        try:
            check()
        except Invalid as error:
            if not getattr(form._fields.get(_field_of(error)), "errors", ()):
                show_error(form, error)


def _field_of(error: AppError) -> str:
    return _snake_case(getattr(error, "field", None) or "")


def _snake_case(name: str) -> str:
    """Services name fields as the API does: webhookUrl is the form's webhook_url, proxy.host its
    proxy_host."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace(".", "_")
