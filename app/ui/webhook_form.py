"""The form of a webhook."""

from __future__ import annotations

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
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput

from app.core.errors import Invalid
from app.core.texts import N_
from app.models import Endpoint, Instance
from app.models.webhook import LONGEST_INTERVAL_MS
from app.services import webhooks
from app.services.webhooks import Wish
from app.ui.forms import EVENT_CHOICES, SECRET_HEADER, headers_of, headers_text, secret_widget


class WebhookForm(FlaskForm):
    """A webhook. Fields are named as the services name them in an Invalid."""

    instance_id = SelectField(lazy_gettext("Instance"), default="")
    enabled = BooleanField(lazy_gettext("Send events"), default=True)
    webhook_url = URLField(lazy_gettext("Webhook URL"))
    events = SelectMultipleField(
        lazy_gettext("Types of notifications"),
        choices=EVENT_CHOICES,
        default=list(webhooks.DEFAULT_EVENTS),
        option_widget=CheckboxInput(),
    )
    webhook_secret = StringField(lazy_gettext("Secret key"), widget=secret_widget())
    max_retries = IntegerField(
        lazy_gettext("Retries"), default=webhooks.DEFAULT_MAX_RETRIES, validators=[InputRequired()]
    )
    retry_interval = IntegerField(
        lazy_gettext("Seconds before the first retry"),
        default=webhooks.DEFAULT_RETRY_INTERVAL_MS // 1000,
        validators=[InputRequired()],
    )
    max_retry_interval = IntegerField(
        lazy_gettext("Longest pause, in seconds"),
        default=LONGEST_INTERVAL_MS // 1000,
        validators=[InputRequired()],
    )
    timeout = IntegerField(
        lazy_gettext("Seconds to wait for the answer"),
        default=webhooks.DEFAULT_TIMEOUT_MS // 1000,
        validators=[InputRequired()],
    )
    verify_tls = BooleanField(lazy_gettext("Verify the certificate"), default=True)
    headers = TextAreaField(lazy_gettext("HTTP headers"))

    @property
    def has_secret_headers(self) -> bool:
        """Whether a header seems to be nobody else's business."""
        return bool(SECRET_HEADER.search(self.headers.data or ""))

    @property
    def is_delivery_open(self) -> bool:
        """Whether the part on retries and headers has, or complains of, anything of its own."""
        fields = (
            self.max_retries,
            self.retry_interval,
            self.max_retry_interval,
            self.timeout,
            self.headers,
        )
        own = any(one.errors or (one.data and one.data != one.default) for one in fields)
        return own or not self.verify_tls.data

    @property
    def wrong_fields(self) -> list[Field]:
        """The fields with something wrong, from top to bottom."""
        return [field for field in self if field.errors]

    def offer(self, owned: list[Instance]) -> None:
        """Lets choose among these instances, or all."""
        every = SelectChoice("", lazy_gettext("All instances"))
        self.instance_id.choices = [every, *(SelectChoice(one.id, one.name) for one in owned)]

    def wish(self) -> Wish:
        """What the form asks for. Raises Invalid when a number is no number."""
        if not self.validate():
            raise Invalid(N_("Correct the marked fields."))
        return Wish(
            url=self.webhook_url.data or "",
            events=self.events.data or [],
            enabled=self.enabled.data,
            secret=(self.webhook_secret.data or "").strip() or None,
            headers=headers_of(self.headers.data or ""),
            max_retries=self.max_retries.data,
            retry_interval_ms=self.retry_interval.data * 1000,
            max_interval_ms=self.max_retry_interval.data * 1000,
            timeout_ms=self.timeout.data * 1000,
            verify_tls=self.verify_tls.data,
        )


def webhook_form(endpoint: Endpoint) -> WebhookForm:
    """The form filled with what stands."""
    return WebhookForm(
        formdata=None,
        data={
            "instance_id": endpoint.instance_id or "",
            "enabled": endpoint.enabled,
            "webhook_url": endpoint.url,
            "events": endpoint.events,
            "webhook_secret": endpoint.secret,
            "max_retries": endpoint.max_retries,
            "retry_interval": endpoint.retry_interval_ms // 1000,
            "max_retry_interval": endpoint.max_interval_ms // 1000,
            "timeout": endpoint.timeout_ms // 1000,
            "verify_tls": endpoint.verify_tls,
            "headers": headers_text(endpoint.headers),
        },
    )
