"""What people type about a contact."""

from __future__ import annotations

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import FileField, StringField, TextAreaField


class ContactForm(FlaskForm):
    """A number and a name; the service judges both."""

    phone = StringField(lazy_gettext("Phone number"))
    name = StringField(lazy_gettext("Name"))

    def focus_first_wrong(self) -> None:
        """Puts the cursor where the first correction is due, once the page is loaded."""
        for field in [one for one in self if one.errors][:1]:
            field.render_kw = {"autofocus": True}


class ContactChangeForm(ContactForm):
    """The same for a contact there is: it comes up over the page with the other form."""

    phone = StringField(lazy_gettext("Phone number"), id="contact-phone")
    name = StringField(lazy_gettext("Name"), id="contact-name")
    tags = StringField(lazy_gettext("Tags"), id="contact-tags")
    note = TextAreaField(lazy_gettext("Note"), id="contact-note")


class ContactsFileForm(FlaskForm):
    """A file with contacts."""

    file = FileField(lazy_gettext("File"), id="contacts-file")
