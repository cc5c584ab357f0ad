"""Invitations, for administrators."""

from __future__ import annotations

from flask import Response, url_for
from pydantic import Field

from app import models
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment, takes
from app.api.identity import administrator
from app.api.users import TAGS, Limit, Role
from app.core.events import iso
from app.services import invitations
from app.transaction import transaction


class NewInvitation(Body):
    """What the new account will be."""

    email: str = Field(
        default="", max_length=254, description="Whom it is for; they may write another."
    )
    role: Role = "user"
    instance_limit: int | None = Limit
    days: int = Field(
        default=invitations.DEFAULT_DAYS,
        ge=1,
        le=invitations.MAX_DAYS,
        description="How long the link works.",
    )


class Invitation(Answer):
    """A link with which somebody makes an account, once."""

    id: str = Field(examples=["inv_01J9ZK8M3Q4R5S6T7V8W9X0Y1Z"])
    url: str
    email: str
    role: Role
    instance_limit: int | None
    created_at: Moment
    expires_at: Moment


class InvitationList(Answer):
    """Those that still work."""

    items: list[Invitation]


@bp.get("/invitations")
@bp.output(InvitationList, description="Those that still work, newest first.")
@bp.doc(operation_id="listInvitations", summary="List invitations", tags=TAGS)
def list_invitations() -> InvitationList:
    """List invitations

    Those that were neither used nor taken back, and are not too old.
    """
    administrator()
    return InvitationList(items=[_shown(one) for one in invitations.open_ones()])


@bp.post("/invitations")
@takes(NewInvitation, example={"email": "ivan@example.com", "instanceLimit": 3})
@bp.output(Invitation, status_code=201, description="The invitation with its link.")
@bp.doc(operation_id="createInvitation", summary="Invite somebody", tags=TAGS)
def create_invitation(body: NewInvitation) -> tuple[Invitation, int]:
    """Invite somebody

    Nothing is sent: give the link to the person. It works once.
    """
    actor = administrator()
    with transaction():
        row = invitations.create(
            actor=actor,
            email=body.email,
            role=body.role,
            instance_limit=body.instance_limit,
            days=body.days,
        )
    return _shown(row), 201


@bp.delete("/invitations/<invitation_id>")
@bp.output({}, status_code=204, description="The link no longer works.")
@bp.doc(operation_id="deleteInvitation", summary="Take an invitation back", tags=TAGS)
def delete_invitation(invitation_id: str) -> Response:
    """Take an invitation back"""
    actor = administrator()
    with transaction():
        invitations.take_back(invitation_id, actor=actor)
    return Response(status=204)


def _shown(row: models.Invitation) -> Invitation:
    return Invitation(
        id=row.id,
        url=url_for("ui.show_invitation", token=row.token_encrypted, _external=True),
        email=row.email,
        role="administrator" if row.role == "administrator" else "user",
        instance_limit=row.instance_limit,
        created_at=iso(row.created_at),
        expires_at=iso(row.expires_at),
    )
