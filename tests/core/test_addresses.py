"""Which addresses may be called."""

import pytest

from app.core.addresses import Reach, reach_of


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_an_address_of_the_internet_is_public(address):
    assert reach_of(address) is Reach.PUBLIC


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "::1",
        "fd12:3456::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_an_address_of_this_machine_or_its_networks_is_private(address):
    assert reach_of(address) is Reach.PRIVATE


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - nothing is bound
        "0.1.2.3",
        "169.254.169.254",
        "100.100.100.200",
        "192.0.0.192",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::7f00:1",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "::ffff:169.254.169.254",
        "::ffff:0.0.0.0",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::",
    ],
)
def test_metadata_link_local_and_multicast_are_never_called(address):
    assert reach_of(address) is Reach.NEVER


@pytest.mark.parametrize("text", ["localhost", "", "1.2.3", "example.com"])
def test_what_is_no_address_raises(text):
    with pytest.raises(ValueError, match="does not appear to be"):
        reach_of(text)
