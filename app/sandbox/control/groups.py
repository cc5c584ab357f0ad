"""Groups over the control interface: anybody's phone makes, changes and leaves them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.sandbox.control.request import ControlError, Request, phone_number
from app.sandbox.groups.group import Group
from app.sandbox.groups.registry import Groups
from app.sandbox.network import Network, NetworkError
from app.sandbox.wire.jid import GROUP_SERVER, JID
from app.sandbox.world import PHONE, Account, Endpoint

_Answer = tuple[int, Any]
_CHANGES: dict[str, Callable[[Groups, Group, Endpoint, list[Account]], None]] = {
    "add": Groups.add,
    "remove": Groups.remove,
    "promote": Groups.promote,
    "demote": Groups.demote,
}


async def listed(network: Network, request: Request) -> _Answer:
    """All groups with their members."""
    return 200, {"groups": [_described(group) for group in network.groups.all()]}


async def create(network: Network, request: Request) -> _Answer:
    """Make a group."""
    actor = _actor(network, request)
    group = network.groups.create(actor, request.text("subject"), _people(network, request))
    return 201, _described(group)


async def change(network: Network, request: Request, group_id: str, wish: str) -> _Answer:
    """Add, remove, promote or demote people; only admins may."""
    group, actor = _by_admin(network, request, group_id)
    _CHANGES[wish](network.groups, group, actor, _people(network, request))
    return 200, _described(group)


async def leave(network: Network, request: Request, group_id: str) -> _Answer:
    """Leave a group."""
    group, actor = _by_member(network, request, group_id)
    network.groups.remove(group, actor, [actor.account])
    return 200, _described(group)


async def rename(network: Network, request: Request, group_id: str) -> _Answer:
    """Give a group another name."""
    group, actor = _by_admin(network, request, group_id)
    network.groups.rename(group, actor, request.text("subject"))
    return 200, _described(group)


async def announce(network: Network, request: Request, group_id: str) -> _Answer:
    """Let only admins write, or everybody."""
    group, actor = _by_admin(network, request, group_id)
    network.groups.announce(group, actor, request.body.get("on") is True)
    return 200, _described(group)


def _by_admin(network: Network, request: Request, group_id: str) -> tuple[Group, Endpoint]:
    group, actor = _by_member(network, request, group_id)
    if not group.may_change(actor.account.number):
        raise ControlError(422, f"{actor.account.number} is no admin of the group")
    return group, actor


def _by_member(network: Network, request: Request, group_id: str) -> tuple[Group, Endpoint]:
    group, actor = network.groups.find(JID(group_id, GROUP_SERVER)), _actor(network, request)
    if group is None or actor.account.number not in group.roles:
        raise NetworkError(f"{actor.account.number} is in no group {group_id}")
    return group, actor


def _actor(network: Network, request: Request) -> Endpoint:
    return Endpoint(network.account(phone_number(request.text("by"))), PHONE)


def _people(network: Network, request: Request) -> list[Account]:
    people = request.body.get("people")
    if not isinstance(people, list) or not all(isinstance(one, str) for one in people):
        raise ControlError(400, "people is a list of numbers")
    return [network.account(phone_number(one)) for one in people]


def _described(group: Group) -> dict[str, Any]:
    return {
        "jid": str(group.jid),
        "subject": group.subject,
        "members": dict(group.roles),
        "invite": group.invite,
        "announce": group.announce,
    }
