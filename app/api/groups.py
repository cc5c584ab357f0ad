"""Groups: listed, made, changed, left. Whoever holds the session does it; the answer waits for what
becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import Field

from app import models
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment, takes
from app.api.identity import caller
from app.config import current_settings
from app.core.events import iso
from app.core.groups import WishedAct
from app.core.phones import lid_jid, phone_jid
from app.services import group_wishes, groups, instances
from app.services.wish_waiting import fulfilled

TAGS = ["Groups"]
_GROUPS = "/instances/<instance_id>/groups"
_GROUP = f"{_GROUPS}/<group_id>"
Role = Literal["owner", "admin", "member"]


class GroupMember(Answer):
    """Somebody in a group."""

    id: str = Field(description="The JID: by number where it is known.")
    lid: str | None
    name: str = Field(description="What the contacts call them, else the number.")
    role: Role
    is_me: bool


class GroupLine(Answer):
    """A group of the account."""

    id: str = Field(examples=["120363041234567890@g.us"])
    name: str
    description: str
    role: Role | None = Field(description="Our own; null: we are not in the group.")
    only_admins_write: bool
    member_count: int
    known_at: Moment | None = Field(description="When WhatsApp told about it last.")


class Group(GroupLine):
    """A group with its members."""

    members: list[GroupMember]


class ChangedGroup(Group):
    """A group after a change."""

    refused: list[str] = Field(description="Numbers or LIDs that WhatsApp did not do it for.")


class GroupList(Answer):
    """The groups of an instance."""

    items: list[GroupLine]


class InviteLink(Answer):
    """The link that invites to a group."""

    link: str = Field(examples=["https://chat.whatsapp.com/AbCdEf"])


class GroupToMake(Body):
    """A new group."""

    name: str = Field(description="1 to 100 characters.")
    people: list[str] = Field(description="1 to 100 numbers or JIDs.")


class GroupName(Body):
    """Another name."""

    name: str = Field(description="1 to 100 characters.")


class People(Body):
    """Who is to be added."""

    people: list[str] = Field(description="1 to 100 numbers or JIDs.")


class MemberRole(Body):
    """What a member is to be."""

    role: Literal["admin", "member"]


class LinkWish(Body):
    """Which link is wanted."""

    renew: bool = Field(default=False, description="A new one; the link before opens nothing then.")


@bp.get(_GROUPS)
@bp.output(GroupList, description="By name; those the account has left, too.")
@bp.doc(operation_id="listGroups", summary="List the groups", tags=TAGS)
def list_groups(instance_id: str) -> GroupList:
    """List the groups"""
    instance = instances.get_for(caller(), instance_id)
    found = [GroupLine.model_validate(_line(chat, count)) for chat, count in groups.of(instance)]
    return GroupList(items=found)


@bp.post(_GROUPS)
@bp.output(Group, status_code=201, description="The group, as WhatsApp made it.")
@takes(GroupToMake, example={"name": "Couriers", "people": ["+7 916 123-45-67"]})
@bp.doc(operation_id="createGroup", summary="Make a group", tags=TAGS)
def create_group(instance_id: str, body: GroupToMake) -> tuple[Group, int]:
    """Make a group

    Ask for the list of groups before you ask for it again: a group that WhatsApp made without an
    answer would be made twice.
    """

    def wish() -> models.GroupWish:
        instance = instances.get_for(caller(), instance_id)
        country = current_settings().default_country
        return group_wishes.create(instance, body.name, body.people, country=country)

    done = fulfilled(wish)
    instance = instances.get_for(caller(), instance_id)
    chat = group_wishes.group_of(instance, str((done.result or {})["group"]))
    return Group.model_validate(_whole(chat)), 201


@bp.get(_GROUP)
@bp.output(Group, description="The group with its members.")
@bp.doc(operation_id="getGroup", summary="Show a group", tags=TAGS)
def show_group(instance_id: str, group_id: str) -> Group:
    """Show a group"""
    instance = instances.get_for(caller(), instance_id)
    return Group.model_validate(_whole(group_wishes.group_of(instance, group_id)))


@bp.patch(_GROUP)
@bp.output(ChangedGroup, description="The group, renamed.")
@takes(GroupName, example={"name": "Night couriers"})
@bp.doc(operation_id="renameGroup", summary="Rename a group", tags=TAGS)
def rename_group(instance_id: str, group_id: str, body: GroupName) -> ChangedGroup:
    """Rename a group"""
    return _changed(
        instance_id, group_id, lambda instance, chat: group_wishes.rename(instance, chat, body.name)
    )


@bp.post(f"{_GROUP}/members")
@bp.output(ChangedGroup, description="The group; who could not be added stands in refused.")
@takes(People, example={"people": ["+7 916 123-45-67"]})
@bp.doc(operation_id="addGroupMembers", summary="Add members", tags=TAGS)
def add_group_members(instance_id: str, group_id: str, body: People) -> ChangedGroup:
    """Add members"""
    country = current_settings().default_country
    return _changed(
        instance_id,
        group_id,
        lambda instance, chat: group_wishes.add(instance, chat, body.people, country=country),
    )


@bp.patch(f"{_GROUP}/members/<member>")
@bp.output(ChangedGroup, description="The group.")
@takes(MemberRole, example={"role": "admin"})
@bp.doc(operation_id="changeGroupMember", summary="Make a member an admin, or not", tags=TAGS)
def change_group_member(
    instance_id: str, group_id: str, member: str, body: MemberRole
) -> ChangedGroup:
    """Make a member an admin, or not"""
    act = WishedAct.PROMOTE if body.role == "admin" else WishedAct.DEMOTE
    return _changed(
        instance_id,
        group_id,
        lambda instance, chat: group_wishes.change_member(instance, chat, act, member),
    )


@bp.delete(f"{_GROUP}/members/<member>")
@bp.output(ChangedGroup, description="The group.")
@bp.doc(operation_id="removeGroupMember", summary="Remove a member", tags=TAGS)
def remove_group_member(instance_id: str, group_id: str, member: str) -> ChangedGroup:
    """Remove a member"""
    return _changed(
        instance_id,
        group_id,
        lambda instance, chat: group_wishes.change_member(instance, chat, WishedAct.REMOVE, member),
    )


@bp.post(f"{_GROUP}/link")
@bp.output(InviteLink, description="The link.")
@takes(LinkWish, example={"renew": False})
@bp.doc(operation_id="getGroupLink", summary="Show the invite link", tags=TAGS)
def get_group_link(instance_id: str, group_id: str, body: LinkWish) -> InviteLink:
    """Show the invite link"""
    act = WishedAct.RENEW if body.renew else WishedAct.LINK
    done = _done(
        instance_id, group_id, lambda instance, chat: group_wishes.simple(instance, chat, act)
    )
    return InviteLink(link=str((done.result or {})["link"]))


@bp.post(f"{_GROUP}/leave")
@bp.output(ChangedGroup, description="The group, without the account.")
@bp.doc(operation_id="leaveOneGroup", summary="Leave a group", tags=TAGS)
def leave_one_group(instance_id: str, group_id: str) -> ChangedGroup:
    """Leave a group"""
    return _changed(
        instance_id,
        group_id,
        lambda instance, chat: group_wishes.simple(instance, chat, WishedAct.LEAVE),
    )


_Ask = Callable[..., models.GroupWish]


def _done(instance_id: str, group_id: str, ask: _Ask) -> models.GroupWish:
    def wish() -> models.GroupWish:
        instance = instances.get_for(caller(), instance_id)
        return ask(instance, group_wishes.group_of(instance, group_id))

    return fulfilled(wish)


def _changed(instance_id: str, group_id: str, ask: _Ask) -> ChangedGroup:
    result = _done(instance_id, group_id, ask).result or {}
    instance = instances.get_for(caller(), instance_id)
    chat = group_wishes.group_of(instance, group_id)
    refused: Sequence[str] = result.get("refused", ())
    return ChangedGroup.model_validate(_whole(chat) | {"refused": list(refused)})


def _line(chat: models.Chat, count: int) -> dict[str, Any]:
    return {
        "id": chat.jid,
        "name": chat.name,
        "description": chat.description,
        "role": chat.our_role,
        "onlyAdminsWrite": chat.only_admins_write,
        "memberCount": count,
        "knownAt": iso(chat.group_known_at) if chat.group_known_at else None,
    }


def _whole(chat: models.Chat) -> dict[str, Any]:
    members = groups.members_of(chat)
    shown = [
        {
            "id": phone_jid(one.phone) if one.phone else lid_jid(str(one.lid)),
            "lid": one.lid,
            "name": one.name,
            "role": one.role,
            "isMe": one.is_us,
        }
        for one in members
    ]
    return _line(chat, len(members)) | {"members": shown}
