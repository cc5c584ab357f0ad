"""Which network addresses the product may call on somebody's behalf."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address


class Reach(Enum):
    """How far from this machine an address is."""

    PUBLIC = "public"
    PRIVATE = "private"
    """This machine and its local networks: a deployment may allow them."""
    NEVER = "never"
    """Where a cloud tells its machines their secrets, and what is no single host."""


_NEVER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this machine, under another name
        "169.254.0.0/16",  # link-local: the metadata address of most clouds
        "192.0.0.0/24",  # protocol assignments: metadata of Oracle Cloud
        "100.100.100.200/32",  # metadata of Alibaba Cloud
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "fe80::/10",  # link-local
        "fd00:ec2::/32",  # metadata of Amazon
        "fd20:ce::254/128",  # metadata of Google
        "ff00::/8",  # multicast
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_V4_COMPATIBLE = IPv6Network("::/96")
_LOOPBACK = IPv6Address("::1")


def reach_of(text: str) -> Reach:
    """The reach of an IP address, of either family. Raises ValueError for anything else."""
    address = _unwrapped(ip_address(text.partition("%")[0]))
    if any(address in network for network in _NEVER):
        return Reach.NEVER
    if isinstance(address, IPv6Address) and address in _V4_COMPATIBLE and address != _LOOPBACK:
        return Reach.NEVER
    return Reach.PUBLIC if address.is_global else Reach.PRIVATE


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, NAT64), or `address` itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address
