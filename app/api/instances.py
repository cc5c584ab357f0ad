"""Instances: listed, made, shown, changed, deleted."""

from __future__ import annotations

from typing import Literal

from flask import Response, url_for
from pydantic import Field

from app.api import connection_settings, webhook_settings
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, takes
from app.api.identity import caller, need
from app.api.instance_shapes import (
    EXAMPLE,
    Instance,
    InstanceSettings,
    NewInstance,
    instance_shown,
)
from app.api.pages import PageQuery
from app.core.errors import Invalid
from app.core.scopes import Scope
from app.core.texts import N_
from app.services import deletions, instances, webhooks
from app.transaction import transaction

TAGS = ["Instances"]
PATH = "/instances/<instance_id>"


class InstanceList(Answer):
    """A page of instances."""

    items: list[Instance]
    next_cursor: str | None = Field(description="Ask with it for the next page; null at the end.")


class Include(Body):
    """What else to answer with."""

    include: Literal["webhookSecret"] | None = Field(
        default=None, description="webhookSecret: also the secret that signs webhooks."
    )


@bp.get("/instances")
@bp.input(PageQuery, location="query", arg_name="query")
@bp.output(InstanceList, description="Your instances, oldest first.")
@bp.doc(operation_id="listInstances", summary="List instances", tags=TAGS)
def list_instances(query: PageQuery) -> InstanceList:
    """List instances

    Your own, in the order they were created, page by page.
    """
    page, more = instances.page_of(caller(), after=query.cursor, limit=query.limit)
    endpoints = webhooks.endpoints_of(page)
    return InstanceList(
        items=[instance_shown(one, endpoints.get(one.id)) for one in page],
        next_cursor=page[-1].id if more else None,
    )


@bp.post("/instances")
@takes(NewInstance, example=EXAMPLE)
@bp.output(Instance, status_code=201, description="The new instance.")
@bp.doc(operation_id="createInstance", summary="Create an instance", tags=TAGS)
def create_instance(body: NewInstance) -> tuple[Instance, int, dict[str, str]]:
    """Create an instance

    With its webhook, if webhookUrl is given; then the answer holds the webhook's secret.
    """
    proxy = connection_settings.tested_proxy(body, None)
    with transaction():
        instance = instances.create(
            owner=caller(), name=body.name, description=body.description or ""
        )
        new_secret = webhook_settings.apply(instance, body, actor=caller())
        connection_settings.apply(instance, body, proxy, actor=caller())
    endpoint = webhooks.endpoint_of(instance)
    place = {"Location": url_for("api.show_instance", instance_id=instance.id)}
    return instance_shown(instance, endpoint, secret=new_secret), 201, place


@bp.get(PATH)
@bp.input(Include, location="query", arg_name="query")
@bp.output(Instance, description="The instance.")
@bp.doc(operation_id="getInstance", summary="Show an instance", tags=TAGS)
def show_instance(instance_id: str, query: Include) -> Instance:
    """Show an instance"""
    if query.include:
        need(Scope.MANAGE)
    instance = instances.get_for(caller(), instance_id)
    endpoint = webhooks.endpoint_of(instance)
    return instance_shown(instance, endpoint, secret=query.include == "webhookSecret")


@bp.put(PATH)
@takes(InstanceSettings, example=EXAMPLE)
@bp.output(Instance, description="The instance as it is now.")
@bp.doc(operation_id="updateInstance", summary="Change an instance", tags=TAGS)
def update_instance(instance_id: str, body: InstanceSettings) -> Instance:
    """Change an instance

    What is left out stays as it is, so an instance can be sent back as it was read, and a single
    field can be sent alone. PATCH does the same.
    """
    return _changed(instance_id, body)


@bp.patch(PATH)
@takes(InstanceSettings, example={"notifyRead": True})
@bp.output(Instance, description="The instance as it is now.")
@bp.doc(operation_id="patchInstance", summary="Change some of an instance", tags=TAGS)
def patch_instance(instance_id: str, body: InstanceSettings) -> Instance:
    """Change some of an instance

    What is left out stays as it is.
    """
    return _changed(instance_id, body)


class Deletion(Body):
    """How to delete."""

    log_out: bool = Field(
        default=True, description="Whether the phone is to be unlinked first, where it can be."
    )


@bp.delete(PATH)
@bp.input(Deletion, location="query", arg_name="query")
@bp.output({}, status_code=204, description="It is gone.")
@bp.doc(operation_id="deleteInstance", summary="Delete an instance", tags=TAGS)
def delete_instance(instance_id: str, query: Deletion) -> Response:
    """Delete an instance

    With its chats, messages, also those that still wait to be sent, and webhooks. A running
    session is ended in the seconds that follow: with logOut (the default) the phone is unlinked,
    without it, or where there is no connection, the phone may list the device until it is removed
    there.
    """
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        deletions.delete(instance, actor=caller(), log_out=query.log_out)
    return Response(status=204)


def _changed(instance_id: str, body: InstanceSettings) -> Instance:
    if "name" in body.model_fields_set and body.name is None:
        raise Invalid(N_("Give the instance a name."), field="name", code="name_missing")
    saved = instances.get_for(caller(), instance_id).proxy
    proxy = connection_settings.tested_proxy(body, saved)
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        if body.name is not None or body.description is not None:
            instances.change(instance, actor=caller(), name=body.name, description=body.description)
        new_secret = webhook_settings.apply(instance, body, actor=caller())
        connection_settings.apply(instance, body, proxy, actor=caller())
    return instance_shown(instance, webhooks.endpoint_of(instance), secret=new_secret)
