"""Addresses: two names of one person, one JID shown."""

from __future__ import annotations

import pytest

from app.engine.address import Address


@pytest.mark.parametrize(
    ("jids", "address", "shown"),
    [
        (["1555@s.whatsapp.net"], Address(phone="1555@s.whatsapp.net"), "1555@s.whatsapp.net"),
        (["77@lid"], Address(lid="77@lid"), "77@lid"),
        (
            ["77:3@lid", "1555:3@s.whatsapp.net"],
            Address("77@lid", "1555@s.whatsapp.net"),
            "1555@s.whatsapp.net",
        ),
        (["1555.0:3@s.whatsapp.net"], Address(phone="1555@s.whatsapp.net"), "1555@s.whatsapp.net"),
        (["1555@c.us"], Address(phone="1555@s.whatsapp.net"), "1555@s.whatsapp.net"),
        (["77@hosted.lid"], Address(lid="77@lid"), "77@lid"),
        (["120363-15@g.us"], Address(other="120363-15@g.us"), "120363-15@g.us"),
        (["", None], Address(), ""),
        (["77@lid", "88@lid"], Address(lid="77@lid"), "77@lid"),
    ],
)
def test_address_is_made_of_jids(jids: list[str | None], address: Address, shown: str):
    assert Address.of(*jids) == address
    assert address.jid == shown


def test_number_is_known_only_with_a_phone_jid():
    assert Address.of("1555@s.whatsapp.net").number == "1555"
    assert Address.of("77@lid").number is None


def test_groups_status_and_channels_are_told_apart():
    kinds = [
        (a.is_group, a.is_status, a.is_channel)
        for a in map(Address.of, ["1@g.us", "status@broadcast", "1@newsletter", "1@lid"])
    ]
    assert kinds == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
        (False, False, False),
    ]
