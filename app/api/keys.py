"""API keys for programs: listed, made, shown, revoked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask import Response, url_for
from pydantic import Field

from app import models
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment, takes
from app.api.identity import caller
from app.clock import utcnow
from app.core.errors import Invalid
from app.core.events import iso
from app.core.scopes import Scope
from app.core.texts import N_
from app.services import instances, named_keys
from app.transaction import transaction

TAGS = ["Account"]
PATH = "/keys/<key_id>"
EXAMPLE = {
    "name": "Shop's website",
    "scopes": ["read", "send"],
    "expiresAt": "2027-12-31T00:00:00Z",
}


class NewKey(Body):
    """What a key is to be for."""

    name: str = Field(description="1 to 60 characters, to know it by.")
    scopes: list[Scope] = Field(description="What it may do; none contains another.")
    instance_ids: list[str] | None = Field(
        default=None,
        max_length=200,
        description="The only instances that it is for; null: all there are and will be.",
    )
    expires_at: datetime | None = Field(
        default=None, description="When it ends (ISO 8601 with a time zone), within ten years."
    )


class NamedKey(Answer):
    """A key for one program."""

    id: str = Field(examples=["key_01J9ZK8M3Q4R5S6T7V8W9X0Y1Z"])
    name: str
    ending: str = Field(description="Its last four signs.", examples=["x3Kd"])
    scopes: list[Scope]
    instance_ids: list[str] | None = Field(
        description="The only instances that it is for; null: all of them."
    )
    expires_at: Moment | None
    expired: bool
    created_at: Moment
    last_used_at: Moment | None = Field(description="To within a minute.")


class MadeKey(NamedKey):
    """A key that was just made, with what it is: that is told only now."""

    api_key: str = Field(examples=["wam_5cGqT1…"])


class KeyList(Answer):
    """All of them."""

    items: list[NamedKey]


@bp.get("/keys")
@bp.output(KeyList, description="The keys, newest first.")
@bp.doc(operation_id="listKeys", summary="List API keys", tags=TAGS)
def list_keys() -> KeyList:
    """List API keys

    Those beside the personal one, which /api/auth/key shows. What they are is not told again.
    """
    return KeyList(items=_shown(named_keys.all_of(caller())))


@bp.post("/keys")
@takes(NewKey, example=EXAMPLE)
@bp.output(MadeKey, status_code=201, description="The new key.")
@bp.doc(operation_id="createKey", summary="Create an API key", tags=TAGS)
def create_key(body: NewKey) -> tuple[MadeKey, int, dict[str, str]]:
    """Create an API key

    For one program, with no more than it needs. The key itself is in this answer and never again.
    """
    if body.expires_at is not None and body.expires_at.tzinfo is None:
        message = N_("Write the time with its time zone, like 2026-12-24T10:00:00Z.")
        raise Invalid(message, field="expiresAt", code="time_without_zone")
    with transaction():
        ids = body.instance_ids
        only = None if ids is None else [instances.get_for(caller(), one) for one in ids]
        key, secret = named_keys.create(
            caller(), name=body.name, scopes=body.scopes, only=only, expires_at=body.expires_at
        )
    place = {"Location": url_for("api.show_one_key", key_id=key.id)}
    [shown] = _shown([key])
    return MadeKey(**shown.model_dump(), api_key=secret), 201, place


@bp.get(PATH)
@bp.output(NamedKey, description="The key.")
@bp.doc(operation_id="getKey", summary="Show an API key", tags=TAGS)
def show_one_key(key_id: str) -> NamedKey:
    """Show an API key

    But for what it is.
    """
    return _shown([named_keys.get_for(caller(), key_id)])[0]


@bp.delete(PATH)
@bp.output({}, status_code=204, description="It no longer works.")
@bp.doc(operation_id="revokeKey", summary="Revoke an API key", tags=TAGS)
def revoke_key(key_id: str) -> Response:
    """Revoke an API key

    At once.
    """
    with transaction():
        named_keys.revoke(caller(), named_keys.get_for(caller(), key_id))
    return Response(status=204)


def _shown(keys: Sequence[models.ApiKey]) -> list[NamedKey]:
    limits, now = named_keys.instances_of(keys), utcnow()
    return [
        NamedKey(
            id=key.id,
            name=key.name,
            ending=key.ending,
            scopes=[Scope(one) for one in key.scopes or []],
            instance_ids=None if key.all_instances else [one.id for one in limits.get(key.id, [])],
            expires_at=iso(key.expires_at) if key.expires_at else None,
            expired=key.is_over(now),
            created_at=iso(key.created_at),
            last_used_at=iso(key.last_used_at) if key.last_used_at else None,
        )
        for key in keys
    ]
