"""People, for administrators."""

from __future__ import annotations

from typing import Literal

from flask import Response, url_for
from pydantic import Field, SecretStr

from app.api.accounts import Person, person
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment, takes
from app.api.identity import administrator
from app.api.pages import PageQuery
from app.core.events import iso
from app.models.user import ADMINISTRATOR
from app.services import accounts, password_resets, people
from app.transaction import transaction

TAGS = ["People"]
PATH = "/users/<user_id>"
Role = Literal["administrator", "user"]
Limit = Field(
    default=None,
    ge=0,
    le=people.MAX_LIMIT,
    description="How many instances the person may have; null: as many as they like.",
)


class User(Person):
    """A person, as administrators see them."""

    disabled_at: Moment | None
    instances: int = Field(description="How many there are.")


class UserList(Answer):
    """A page of people."""

    items: list[User]
    next_cursor: str | None = Field(description="Ask with it for the next page; null at the end.")


class UserQuery(PageQuery):
    """Which people."""

    search: str = Field(default="", max_length=100, description="Part of a name or an address.")


class NewUser(Body):
    """A new person, with a password that was agreed on."""

    email: str = Field(max_length=254)
    password: SecretStr = Field(max_length=1000)
    name: str = Field(default="", max_length=accounts.NAME_LENGTH)
    role: Role = "user"
    instance_limit: int | None = Limit


class UserSettings(Body):
    """What is left out stays as it is."""

    role: Role | None = None
    instance_limit: int | None = Limit


class Disabling(Body):
    """What becomes of the instances."""

    stop_instances: bool = Field(
        default=False,
        description="Stop them too. Else they go on running and telling webhooks. Phones stay "
        "linked either way.",
    )


class Link(Answer):
    """A link that works once."""

    url: str
    expires_at: Moment


@bp.get("/users")
@bp.input(UserQuery, location="query", arg_name="query")
@bp.output(UserList, description="The people, oldest account first.")
@bp.doc(operation_id="listUsers", summary="List people", tags=TAGS)
def list_users(query: UserQuery) -> UserList:
    """List people

    For administrators, as all operations of this part.
    """
    administrator()
    page, more = people.page_of(search=query.search, after=query.cursor, limit=query.limit)
    return UserList(
        items=[_shown(one) for one in page], next_cursor=page[-1].user.id if more else None
    )


@bp.post("/users")
@takes(NewUser, example={"email": "ivan@example.com", "password": "correct horse battery"})
@bp.output(User, status_code=201, description="The new person.")
@bp.doc(operation_id="createUser", summary="Create a person", tags=TAGS)
def create_user(body: NewUser) -> tuple[User, int, dict[str, str]]:
    """Create a person

    With a password that you tell them. An invitation lets them choose their own.
    """
    administrator()
    with transaction():
        user = accounts.create_user(
            email=body.email,
            password=body.password.get_secret_value(),
            name=body.name,
            administrator=body.role == ADMINISTRATOR,
            instance_limit=people.checked_limit(body.instance_limit),
        )
    return _user(user.id), 201, {"Location": url_for("api.show_user", user_id=user.id)}


@bp.get(PATH)
@bp.output(User, description="The person.")
@bp.doc(operation_id="getUser", summary="Show a person", tags=TAGS)
def show_user(user_id: str) -> User:
    """Show a person"""
    administrator()
    return _user(user_id)


@bp.patch(PATH)
@takes(UserSettings, example={"role": "user", "instanceLimit": 5})
@bp.output(User, description="The person as they are now.")
@bp.doc(operation_id="updateUser", summary="Change role or limit", tags=TAGS)
def update_user(user_id: str, body: UserSettings) -> User:
    """Change role or limit

    What is left out stays as it is. The last administrator stays one.
    """
    actor = administrator()
    with transaction():
        user = people.get(user_id).user
        if body.role is not None:
            people.change_role(user, body.role, actor=actor)
        if "instance_limit" in body.model_fields_set:
            people.change_limit(user, body.instance_limit, actor=actor)
    return _user(user_id)


@bp.delete(PATH)
@bp.output({}, status_code=204, description="The person and all they had are gone.")
@bp.doc(operation_id="deleteUser", summary="Delete a person", tags=TAGS)
def delete_user(user_id: str) -> Response:
    """Delete a person

    With all instances, chats and messages. Phones may list the device until it is removed there.
    """
    actor = administrator()
    with transaction():
        people.delete(people.get(user_id).user, actor=actor)
    return Response(status=204)


@bp.post(f"{PATH}/disable")
@takes(Disabling, example={"stopInstances": True})
@bp.output(User, description="The person, disabled.")
@bp.doc(operation_id="disableUser", summary="Disable a person", tags=TAGS)
def disable_user(user_id: str, body: Disabling) -> User:
    """Disable a person

    At once: browsers are signed out, keys and tokens refused with account_disabled.
    """
    actor = administrator()
    with transaction():
        people.disable(people.get(user_id).user, actor=actor, stop_instances=body.stop_instances)
    return _user(user_id)


@bp.post(f"{PATH}/enable")
@bp.output(User, description="The person, enabled.")
@bp.doc(operation_id="enableUser", summary="Enable a person", tags=TAGS)
def enable_user(user_id: str) -> User:
    """Enable a person

    API keys work again. Instances that were stopped stay so until they are reconnected.
    """
    actor = administrator()
    with transaction():
        people.enable(people.get(user_id).user, actor=actor)
    return _user(user_id)


@bp.post(f"{PATH}/reset-link")
@bp.output(Link, status_code=201, description="The link; it is told only here.")
@bp.doc(operation_id="createResetLink", summary="Make a link for a new password", tags=TAGS)
def create_reset_link(user_id: str) -> tuple[Link, int]:
    """Make a link for a new password

    It works once, for 24 hours. Nothing is sent: give it to the person. Earlier links stop working.
    """
    actor = administrator()
    with transaction():
        token, row = password_resets.create(people.get(user_id).user, actor=actor)
    url = url_for("ui.show_reset", token=token, _external=True)
    return Link(url=url, expires_at=iso(row.expires_at)), 201


def _user(user_id: str) -> User:
    return _shown(people.get(user_id))


def _shown(found: people.Person) -> User:
    return User(
        **person(found.user).model_dump(),
        disabled_at=iso(found.user.disabled_at) if found.user.disabled_at else None,
        instances=found.instances,
    )
