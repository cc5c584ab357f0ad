"""Phone numbers and the WhatsApp ids (JIDs) made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from unicodedata import decimal

import phonenumbers

from app.core.errors import Invalid
from app.core.texts import N_

PHONE_SERVER = "s.whatsapp.net"
LID_SERVER = "lid"
GROUP_SERVER = "g.us"
_USERS = {
    PHONE_SERVER: re.compile("[0-9]{5,20}"),
    LID_SERVER: re.compile("[0-9]{5,20}"),
    GROUP_SERVER: re.compile("[0-9]{5,20}(-[0-9]{5,15})?"),  # old ones: creator-time
}
"""What stands before the @."""
OTHER_NOTATIONS = (("521", 13, 2, "1"), ("549", 13, 2, "9"), ("55", 13, 4, "9"))
"""Numbers that are written with a digit or without it and ring the same phone: how the longer form
begins, how long it is, at which place (from 0) the digit is that may be missing, and which it is.
Mexico dropped its mobile 1 in 2019, Argentina's 9 is only dialled from abroad, Brazil put a 9
before mobile numbers from 2012 to 2016; WhatsApp still knows many people by the older form."""


def normalize_phone(text: str, *, country: str, field: str = "to") -> str:
    """The digits of `text` in international form, without a plus sign.

    `country` (ISO 3166, e.g. "RU") completes numbers written without a country code.
    Raises Invalid, which names `field`, when no number in the world looks like this.
    """
    cleaned = "".join(str(decimal(one)) if one.isdecimal() else one for one in text.strip())
    possible = []
    for number in _readings(cleaned, country):
        # "3725123456" is Estonian although it has the length of a Russian number: valid goes first.
        if phonenumbers.is_valid_number(number):
            return _digits(number)
        possible.append(number)
    if not possible:
        raise Invalid(
            N_(
                "This is not a phone number. Write it with the country code, like +7 916 123-45-67."
            ),
            field=field,
            code="bad_phone",
        )
    return _digits(possible[0])


def _readings(text: str, country: str) -> Iterator[phonenumbers.PhoneNumber]:
    """What numbers `text` may be, the likeliest first; each takes a while to find out."""
    asked: list[tuple[str, str | None]] = [(text, None)]
    if not text.startswith("+"):
        asked = [(text, country), (f"+{text}", None)]
    if text.startswith("00"):  # dialled so from most of the world, whatever `country` does
        asked.append((f"+{text[2:].strip()}", None))
    for written, home in asked:
        if (number := _parse(written, home)) is not None:
            yield number


def _digits(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).lstrip("+")


def _parse(text: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    if any(character.isalpha() for character in text):
        return None
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) else None


@lru_cache(maxsize=4096)
def show_phone(digits: str | None) -> str:
    """`digits` as people write them, e.g. "+7 916 123-45-67"; empty for None."""
    if not digits:
        return ""
    try:
        number = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return f"+{digits}"
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def digits_of_number(text: str, *, country: str) -> str:
    """What to look for in international numbers where somebody typed a number or a part of one:
    its digits, without what is only dialled (00, or the 8 of "8 916 123-45-67" in Russia)."""
    digits = "".join(filter(str.isdecimal, text))
    if text.strip().startswith("+"):
        return digits
    trunk = phonenumbers.ndd_prefix_for_region(country, True) or ""
    return digits.removeprefix("00" if digits.startswith("00") else trunk) or digits


def phone_jid(digits: str) -> str:
    """The JID of a phone number."""
    return f"{digits}@{PHONE_SERVER}"


def lid_jid(user: str) -> str:
    """The JID of a LID, WhatsApp's number-free id of a person."""
    return f"{user}@{LID_SERVER}"


def split_jid(jid: str, *, field: str = "to") -> tuple[str, str]:
    """User and server of `jid`, its device number dropped. Raises Invalid, which names `field`, for
    anything else."""
    user, _, server = jid.strip().partition("@")
    user = user.partition(":")[0]
    form = _USERS.get(server)
    if form is None or not form.fullmatch(user):
        raise Invalid(N_("This is not a WhatsApp address."), field=field, code="bad_address")
    return user, server
