"""Phone numbers and addresses."""

import pytest

from app.core.errors import Invalid
from app.core.phones import lid_jid, normalize_phone, phone_jid, show_phone, split_jid


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("+7 916 123-45-67", "79161234567"),
        ("8 (916) 123-45-67", "79161234567"),
        ("89161234567", "79161234567"),
        ("9161234567", "79161234567"),
        ("79161234567", "79161234567"),
        ("+1 (415) 555-2671", "14155552671"),
        ("14155552671", "14155552671"),
        ("+44 20 7946 0958", "442079460958"),
        ("3725123456", "3725123456"),
        ("  +79161234567  ", "79161234567"),
    ],
)
def test_a_number_is_read_in_any_notation(text, digits):
    assert normalize_phone(text, country="RU") == digits


def test_a_local_number_is_completed_with_the_given_country():
    assert normalize_phone("030 901820", country="DE") == "4930901820"


@pytest.mark.parametrize(
    "text",
    ["", "   ", "hello", "12", "12345", "+", "+7", "123456789012345678", "7916x1234567", "\0"],
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(Invalid) as caught:
        normalize_phone(text, country="RU")
    assert (caught.value.field, caught.value.code) == ("to", "bad_phone")


def test_a_number_is_shown_as_people_write_it():
    assert show_phone("79161234567") == "+7 916 123-45-67"


@pytest.mark.parametrize(("digits", "shown"), [(None, ""), ("", ""), ("1", "+1")])
def test_what_cannot_be_shown_nicely_is_shown_anyway(digits, shown):
    assert show_phone(digits) == shown


@pytest.mark.parametrize(
    ("jid", "parts"),
    [
        ("79161234567@s.whatsapp.net", ("79161234567", "s.whatsapp.net")),
        ("79161234567:12@s.whatsapp.net", ("79161234567", "s.whatsapp.net")),
        ("251556368777322@lid", ("251556368777322", "lid")),
        ("120363041234567890@g.us", ("120363041234567890", "g.us")),
        ("79161234567-1600000000@g.us", ("79161234567-1600000000", "g.us")),
        (" 79161234567@s.whatsapp.net ", ("79161234567", "s.whatsapp.net")),
    ],
)
def test_an_address_is_split_without_its_device(jid, parts):
    assert split_jid(jid) == parts


@pytest.mark.parametrize(
    "jid",
    [
        "",
        "79161234567",
        "@s.whatsapp.net",
        "79161234567@",
        "79161234567@example.com",
        "status@broadcast",
        "bob@s.whatsapp.net",
        "7916 1234567@s.whatsapp.net",
        "a@lid",
        "../etc@g.us",
        "1@g.us@g.us",
        f"{'1' * 21}@s.whatsapp.net",
        f"{'1' * 41}@g.us",
    ],
)
def test_what_is_no_address_is_refused(jid):
    with pytest.raises(Invalid) as caught:
        split_jid(jid)
    assert caught.value.code == "bad_address"


def test_addresses_are_made_of_their_users():
    assert phone_jid("79161234567") == "79161234567@s.whatsapp.net"
    assert lid_jid("251556368777322") == "251556368777322@lid"
