"""One page with every component of the visual language, for those who build and test pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_login import login_required
from flask_wtf import FlaskForm
from markupsafe import Markup
from werkzeug.wrappers import Response
from wtforms import (
    BooleanField,
    FileField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget

from app.clock import utcnow
from app.qr_code import svg_of
from app.ui import words
from app.ui.answers import page
from app.ui.blueprint import bp
from app.ui.forms import secret_widget

SAMPLE_JSON = """{
  "event": "message_received",
  "data": {"from": "79991234567@s.whatsapp.net", "body": "…"}
}"""


class SampleForm(FlaskForm):
    """A field of every kind."""

    name = StringField(lazy_gettext("Name"))
    secret = StringField(lazy_gettext("Secret key"), widget=secret_widget())
    seconds = IntegerField(lazy_gettext("Seconds before the first retry"))
    description = TextAreaField(lazy_gettext("Description"))
    language = SelectField(
        lazy_gettext("Language"),
        choices=[SelectChoice("ru", "Русский"), SelectChoice("en", "English")],
    )
    remember = BooleanField(lazy_gettext("Remember me on this device"))
    switch = BooleanField(lazy_gettext("Received messages"))
    events = SelectMultipleField(
        lazy_gettext("Types of notifications"),
        choices=[
            SelectChoice("received", lazy_gettext("Received messages")),
            SelectChoice("sent", lazy_gettext("Sent messages")),
        ],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    theme = RadioField(
        lazy_gettext("Theme"),
        choices=[
            SelectChoice("light", lazy_gettext("Light")),
            SelectChoice("dark", lazy_gettext("Dark")),
        ],
    )
    file = FileField(lazy_gettext("File"))


@bp.get("/ui/components")
@login_required
def show_components() -> Response:
    """Every component, in both themes side by side."""
    samples = [(theme, _sample_form(theme)) for theme in ("light", "dark")]
    return page("components.html", samples=samples, **_sample_values())


def _sample_form(theme: str) -> SampleForm:
    """The form for one theme; its ids differ from the other's."""
    form = SampleForm(
        formdata=None,
        prefix=f"{theme}-",
        data={"name": "Shop", "seconds": 60, "events": ["received"], "switch": True}
        | {"theme": theme, "secret": "whsec_0123456789", "language": "ru"},
    )
    form.description.errors = [gettext("This value cannot be accepted.")]
    form.form_errors.append(gettext("Correct the marked fields."))
    return form


def _sample_values() -> dict[str, Any]:
    now = utcnow()
    return {
        "states": list(words.STATES.values()),
        "statuses": list(words.STATUSES.values()),
        "moment_ago": now,
        "hours_ago": now - timedelta(hours=3),
        "svg": Markup(svg_of("2@sample")),  # noqa: S704 - no text of anybody
        "sample_json": SAMPLE_JSON,
    }
