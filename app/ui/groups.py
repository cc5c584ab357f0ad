"""A group: who is in it, and what its admins do. Whoever holds the session does it; the page waits
for what becomes of it."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import make_response, request, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from app.config import current_settings
from app.core.errors import AppError, Invalid
from app.core.groups import WishedAct
from app.core.texts import N_
from app.i18n import words_of
from app.models import Chat, GroupWish, Instance
from app.services import group_wishes, groups
from app.services.profile_pictures import MOST_WISHES
from app.services.wish_waiting import fulfilled
from app.ui.answers import fragment, question, see_other, wants_fragment
from app.ui.blueprint import bp
from app.ui.conversation import CHAT
from app.ui.instances import owned
from app.ui.seen_faces import faces_of

_GROUP = f"{CHAT}/group"
_OFFERED = 8
_OF_MEMBERS = {"promote", "demote", "remove"}


@bp.get("/ui/instances/<instance_id>/groups/new")
@login_required
def new_group(instance_id: str) -> Response:
    """Asks for the name of a group and who is to be in it."""
    return _new(owned(instance_id))


@bp.post("/ui/instances/<instance_id>/groups")
@login_required
def create_group(instance_id: str) -> Response:
    """Makes a group and opens its chat."""
    name, people = request.form.get("name", ""), request.form.get("people", "")
    country = current_settings().default_country

    def wish() -> GroupWish:
        given = re.split(r"[\n,;]+", people)
        return group_wishes.create(owned(instance_id), name, given, country=country)

    try:
        done = fulfilled(wish)
    except AppError as error:
        return _new(owned(instance_id), error, name=name, people=people)
    instance = owned(instance_id)
    chat = group_wishes.group_of(instance, str((done.result or {})["group"]))
    return _go(url_for("ui.show_chat", instance_id=instance_id, chat_id=chat.id))


@bp.get(_GROUP)
@login_required
def show_group(instance_id: str, chat_id: str) -> Response:
    """Who is in the group."""
    return _show(instance_id, chat_id)


@bp.get(f"{_GROUP}/members")
@login_required
def find_members(instance_id: str, chat_id: str) -> Response:
    """Members who can be named in a text."""
    chat = group_wishes.group_of(owned(instance_id), chat_id)
    found = groups.find(chat, request.args.get("q", ""), limit=_OFFERED)
    return fragment("chat/_mentions.html", found=found)


@bp.post(f"{_GROUP}/name")
@login_required
def rename_group(instance_id: str, chat_id: str) -> Response:
    """Gives the group another name."""
    name = request.form.get("name", "")
    return _do(
        instance_id, chat_id, lambda instance, chat: group_wishes.rename(instance, chat, name)
    )


@bp.post(f"{_GROUP}/members")
@login_required
def add_to_group(instance_id: str, chat_id: str) -> Response:
    """Adds somebody by number."""
    people = re.split(r"[\n,;]+", request.form.get("people", ""))
    country = current_settings().default_country
    return _do(
        instance_id,
        chat_id,
        lambda instance, chat: group_wishes.add(instance, chat, people, country=country),
    )


@bp.post(f"{_GROUP}/members/<member_key>")
@login_required
def change_member(instance_id: str, chat_id: str, member_key: str) -> Response:
    """Makes a member an admin, or not one any more, or takes the member out."""
    act = request.form.get("act", "")
    if act not in _OF_MEMBERS:
        error = Invalid(N_("This cannot be done with a member."), field="act", code="bad_act")
        return _show(instance_id, chat_id, error)
    return _do(
        instance_id,
        chat_id,
        lambda instance, chat: group_wishes.change_member(
            instance, chat, WishedAct(act), member_key
        ),
    )


@bp.post(f"{_GROUP}/link")
@login_required
def group_link(instance_id: str, chat_id: str) -> Response:
    """Shows the link that invites to the group, or a new one, which ends the old."""
    act = WishedAct.RENEW if "renew" in request.form else WishedAct.LINK
    return _do(
        instance_id, chat_id, lambda instance, chat: group_wishes.simple(instance, chat, act)
    )


@bp.post(f"{_GROUP}/leave")
@login_required
def leave_group(instance_id: str, chat_id: str) -> Response:
    """Leaves the group; its chat stays."""
    return _do(
        instance_id,
        chat_id,
        lambda instance, chat: group_wishes.simple(instance, chat, WishedAct.LEAVE),
    )


def _do(instance_id: str, chat_id: str, ask: Callable[[Instance, Chat], GroupWish]) -> Response:
    def wish() -> GroupWish:
        instance = owned(instance_id)
        return ask(instance, group_wishes.group_of(instance, chat_id))

    group_wishes.group_of(owned(instance_id), chat_id)
    try:
        done = fulfilled(wish)
    except AppError as error:
        return _show(instance_id, chat_id, error)
    result = done.result or {}
    return _show(
        instance_id, chat_id, link=result.get("link", ""), refused=result.get("refused", ())
    )


def _new(
    instance: Instance, error: AppError | None = None, *, name: str = "", people: str = ""
) -> Response:
    return question(
        "chat/_new_group.html",
        "chat/new_group.html",
        status=error.status if error else 200,
        instance=instance,
        name=name,
        people=people,
        field=getattr(error, "field", None),
        problem=words_of(error) if error else "",
    )


def _show(
    instance_id: str,
    chat_id: str,
    error: AppError | None = None,
    *,
    link: str = "",
    refused: tuple[str, ...] = (),
) -> Response:
    instance = owned(instance_id)
    chat = group_wishes.group_of(instance, chat_id)
    members = groups.members_of(chat)
    return question(
        "chat/_group.html",
        "chat/group.html",
        status=error.status if error else 200,
        instance=instance,
        chat=chat,
        members=members,
        faces=faces_of(chat, [(one.phone, one.lid) for one in members]),
        faces_at_once=MOST_WISHES,
        link=link,
        refused=refused,
        problem=words_of(error) if error else "",
        typed=request.form,
    )


def _go(place: str) -> Response:
    if not wants_fragment():
        return see_other(place)
    response = make_response("")
    response.headers["HX-Redirect"] = place
    return response
