"""What one signs in with: password, API key, and the browsers that are signed in."""

from __future__ import annotations

from typing import Literal

from flask import Response
from pydantic import Field, SecretStr

from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment, takes
from app.api.identity import caller
from app.core.devices import device_of
from app.core.errors import NotFound
from app.core.events import iso
from app.core.texts import N_
from app.models import SignIn, User
from app.security import browser_sessions, limit_sign_in
from app.services import accounts, api_keys, sign_ins
from app.services.api_keys import Grace
from app.transaction import transaction

TAGS = ["Account"]


class NewPassword(Body):
    """The present password proves that it is you."""

    current_password: SecretStr = Field(max_length=1000)
    new_password: SecretStr = Field(max_length=1000)


class FormerKey(Answer):
    """A replaced key that still works."""

    id: str
    created_at: Moment
    last_used_at: Moment | None
    works_until: Moment


class Key(Answer):
    """The API key."""

    api_key: str
    created_at: Moment
    last_used_at: Moment | None = Field(description="To within a minute.")
    former: list[FormerKey] = Field(description="Replaced keys that still work.")


class Rotation(Body):
    """How long the old key works on."""

    grace: Literal["none", "1h", "24h", "7d"] = "none"


class SignedInBrowser(Answer):
    """A browser in which you are signed in."""

    id: str = Field(examples=["sin_01J9ZK8M3Q4R5S6T7V8W9X0Y1Z"])
    device: str = Field(examples=["Firefox, Windows"], description="Empty when it is not known.")
    address: str
    remembered: bool
    current: bool = Field(description="Whether this request came from it.")
    created_at: Moment
    last_seen_at: Moment = Field(description="To within five minutes.")
    expires_at: Moment


class SignInList(Answer):
    """All of them."""

    items: list[SignedInBrowser]


@bp.post("/auth/password")
@takes(NewPassword, example={"currentPassword": "old secret words", "newPassword": "new ones"})
@bp.output({}, status_code=204, description="Changed.")
@bp.doc(operation_id="changePassword", summary="Change the password", tags=TAGS)
def change_password(body: NewPassword) -> Response:
    """Change the password

    Ends every bearer token, and every browser's sign-in but the one that asks. API keys go on
    working.
    """
    limit_sign_in(caller().email)
    here = browser_sessions.current_sign_in()
    with transaction():
        accounts.change_password(
            caller(),
            current=body.current_password.get_secret_value(),
            new=body.new_password.get_secret_value(),
            keep=here.id if here else None,
        )
    return Response(status=204)


@bp.get("/auth/key")
@bp.output(Key, description="The key.")
@bp.doc(operation_id="getApiKey", summary="Show the API key", tags=TAGS)
def show_key() -> Key:
    """Show the API key

    With the replaced keys that still work.
    """
    return _key_of(caller())


@bp.post("/auth/key/rotate")
@takes(Rotation, example={"grace": "24h"})
@bp.output(Key, description="The new key.")
@bp.doc(operation_id="rotateApiKey", summary="Replace the API key", tags=TAGS)
def rotate_key(body: Rotation) -> Key:
    """Replace the API key

    The old one works on for `grace`: none, 1h, 24h or 7d. With none, every key there was ends at
    once.
    """
    with transaction():
        api_keys.rotate(caller(), grace=Grace(body.grace))
    return _key_of(caller())


@bp.delete("/auth/key/former")
@bp.output({}, status_code=204, description="They no longer work.")
@bp.doc(operation_id="endFormerApiKeys", summary="End replaced API keys", tags=TAGS)
def end_former_keys() -> Response:
    """End replaced API keys

    At once, whatever grace they were given.
    """
    with transaction():
        api_keys.end_former(caller())
    return Response(status=204)


@bp.get("/auth/sign-ins")
@bp.output(SignInList, description="The browsers, the one seen last first.")
@bp.doc(operation_id="listSignIns", summary="List signed-in browsers", tags=TAGS)
def list_sign_ins() -> SignInList:
    """List signed-in browsers"""
    return SignInList(items=[_shown(one) for one in sign_ins.all_of(caller())])


@bp.delete("/auth/sign-ins")
@bp.output({}, status_code=204, description="They are signed out.")
@bp.doc(operation_id="endAllSignIns", summary="Sign out everywhere", tags=TAGS)
def end_all_sign_ins() -> Response:
    """Sign out everywhere

    Ends every bearer token, and every browser's sign-in but the one that asks. API keys go on
    working.
    """
    here = browser_sessions.current_sign_in()
    with transaction():
        accounts.sign_out_everywhere(caller(), keep=here.id if here else None)
    return Response(status=204)


@bp.delete("/auth/sign-ins/<sign_in_id>")
@bp.output({}, status_code=204, description="It is signed out.")
@bp.doc(operation_id="endSignIn", summary="Sign one browser out", tags=TAGS)
def end_sign_in(sign_in_id: str) -> Response:
    """Sign one browser out"""
    with transaction():
        sign_ins.end(caller(), sign_in_id)
    return Response(status=204)


def _key_of(user: User) -> Key:
    try:
        key = api_keys.current_key(user)
    except NotFound:
        raise NotFound(N_("There is no working key."), code="no_api_key") from None
    return Key(
        api_key=key.key_encrypted or "",
        created_at=iso(key.created_at),
        last_used_at=iso(key.last_used_at) if key.last_used_at else None,
        former=[
            FormerKey(
                id=one.id,
                created_at=iso(one.created_at),
                last_used_at=iso(one.last_used_at) if one.last_used_at else None,
                works_until=iso(one.revoked_at),
            )
            for one in api_keys.former_keys(user)
            if one.revoked_at is not None
        ],
    )


def _shown(row: SignIn) -> SignedInBrowser:
    here = browser_sessions.current_sign_in()
    return SignedInBrowser(
        id=row.id,
        device=device_of(row.agent),
        address=row.address,
        remembered=row.remembered,
        current=here is not None and here.id == row.id,
        created_at=iso(row.created_at),
        last_seen_at=iso(row.seen_at),
        expires_at=iso(row.expires_at),
    )
