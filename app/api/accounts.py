"""Signing in, and who one is: name, language, theme."""

from __future__ import annotations

from typing import Literal

from flask import request
from pydantic import Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment, takes
from app.api.identity import caller
from app.core.errors import NotFound
from app.core.events import iso
from app.models import User
from app.models.user import BY_TOKEN
from app.security import limit_sign_in
from app.services import accounts
from app.transaction import transaction


class Credentials(Body):
    """Email and password, or an API key."""

    email: str | None = Field(default=None, max_length=254, examples=["anna@example.com"])
    password: SecretStr | None = Field(default=None, max_length=1000)
    api_key: SecretStr | None = Field(default=None, max_length=200)

    @model_validator(mode="after")
    def _one_way(self) -> Credentials:
        by_password = self.email is not None and self.password is not None
        if by_password == (self.api_key is not None):
            raise PydanticCustomError("one_way_to_sign_in", "email and password, or apiKey")
        return self


class Person(Answer):
    """A person who owns instances."""

    id: str = Field(examples=["usr_01J9ZK8M3Q4R5S6T7V8W9X0Y1Z"])
    email: str
    name: str
    role: Literal["administrator", "user"]
    language: str | None = Field(description="ru or en; null: as the browser asks.")
    theme: str | None = Field(description="light or dark; null: as the system asks.")
    instance_limit: int | None = Field(
        description="How many instances the person may have; null: as many as they like."
    )
    created_at: Moment


class Preferences(Body):
    """What people say about themselves. What is left out stays as it is."""

    name: str | None = Field(default=None, max_length=accounts.NAME_LENGTH)
    language: Literal["ru", "en"] | None = None
    theme: Literal["light", "dark"] | None = None


class SignedIn(Answer):
    """A bearer token for 24 hours."""

    token: str
    expires_at: Moment
    api_key: str | None = Field(
        description="The person's newest API key; null when all are revoked."
    )
    user: Person


@bp.post("/auth/login")
@takes(Credentials, example={"email": "anna@example.com", "password": "correct horse battery"})
@bp.output(SignedIn, description="Signed in.")
@bp.doc(operation_id="login", summary="Sign in", tags=["Account"])
def login(body: Credentials) -> SignedIn:
    """Sign in

    With email and password, or with an API key. Answers a bearer token for 24 hours; an API key
    can also be used directly, without signing in.
    """
    user = _who(body)
    user.came_by, user.came_from = BY_TOKEN, request.remote_addr
    with transaction():
        token, row = accounts.issue_token(user)
    return SignedIn(
        token=token, expires_at=iso(row.expires_at), api_key=_key_of(user), user=person(user)
    )


@bp.get("/auth/me")
@bp.output(Person, description="The person.")
@bp.doc(operation_id="getMe", summary="Who am I", tags=["Account"])
def show_me() -> Person:
    """Who am I

    The person that the key, the token or the browser's session belongs to.
    """
    return person(caller())


@bp.patch("/auth/me")
@takes(Preferences, example={"name": "Anna", "language": "en", "theme": None})
@bp.output(Person, description="The person as they are now.")
@bp.doc(operation_id="updateMe", summary="Change name, language or theme", tags=["Account"])
def update_me(body: Preferences) -> Person:
    """Change name, language or theme

    What is left out stays as it is; null for language and theme leaves them to the browser.
    """
    given = body.model_fields_set
    me = caller()
    with transaction():
        if "name" in given:
            accounts.rename(me, body.name or "")
        accounts.prefer(
            me,
            language=body.language if "language" in given else me.language,
            theme=body.theme if "theme" in given else me.theme,
        )
    return person(me)


def person(user: User) -> Person:
    """`user` as the API shows them."""
    return Person(
        id=user.id,
        email=user.email,
        name=user.name,
        role="administrator" if user.is_administrator else "user",
        language=user.language,
        theme=user.theme,
        instance_limit=user.instance_limit,
        created_at=iso(user.created_at),
    )


def _who(body: Credentials) -> User:
    if body.api_key is not None:
        key = body.api_key.get_secret_value().strip()
        limit_sign_in(f"key {key[:12]}")
        return accounts.by_key(key)
    assert body.email is not None  # noqa: S101 - the schema holds it
    assert body.password is not None  # noqa: S101
    limit_sign_in(body.email)
    return accounts.by_password(body.email, body.password.get_secret_value())


def _key_of(user: User) -> str | None:
    try:
        return accounts.current_key(user).key_encrypted
    except NotFound:
        return None
