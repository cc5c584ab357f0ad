"""What is said about a message that was sent: reactions, votes, edits, deletions."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field

from app import models
from app.api import message_shapes
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, takes
from app.api.identity import caller
from app.api.messages import TAGS, Sent, Wait, answer_for
from app.config import current_settings
from app.models.message import FROM_API
from app.services import amending, chats, forwarding, instances, messaging
from app.transaction import transaction

_MESSAGE = "/instances/<instance_id>/messages/<message_id>"
_QUEUED = "Queued; its status tells how far it has come."


class ReactionToSend(Body):
    """The reaction of the account."""

    emoji: str = Field(description="One emoji; empty to take the reaction back.", examples=["👍"])


class Vote(Body):
    """The choice of the account in a poll."""

    options: list[str] = Field(
        description="Answers as the poll has them; none takes the vote back.", examples=[["Today"]]
    )


class NewText(Body):
    """What the message is to say."""

    text: str = Field(description="1 to 65536 characters.")


@bp.put(f"{_MESSAGE}/reaction")
@bp.input(Wait, location="query", arg_name="query")
@bp.output(Sent, status_code=202, description=_QUEUED)
@takes(ReactionToSend, example={"emoji": "👍"})
@bp.doc(operation_id="reactToMessage", summary="React to a message", tags=TAGS)
def react_to_message(
    instance_id: str, message_id: str, query: Wait, body: ReactionToSend
) -> tuple[Sent, int]:
    """React to a message

    In place of the reaction before; an empty emoji takes it back. It is queued like a message, and
    the answer tells of it as of one, of type reaction.
    """

    def act(message: models.Message) -> models.Message:
        return amending.react(message, body.emoji, source=FROM_API)

    return _queued(instance_id, message_id, query, act)


@bp.post(f"{_MESSAGE}/vote")
@bp.input(Wait, location="query", arg_name="query")
@bp.output(Sent, status_code=202, description=_QUEUED)
@takes(Vote, example={"options": ["Today"]})
@bp.doc(operation_id="voteInPoll", summary="Vote in a poll", tags=TAGS)
def vote_in_poll(instance_id: str, message_id: str, query: Wait, body: Vote) -> tuple[Sent, int]:
    """Vote in a poll

    In place of the vote before; no option takes it back. It is queued like a message, and the
    answer tells of it as of one, of type vote.
    """

    def act(message: models.Message) -> models.Message:
        return amending.vote(message, body.options, source=FROM_API)

    return _queued(instance_id, message_id, query, act)


@bp.patch(_MESSAGE)
@bp.input(Wait, location="query", arg_name="query")
@bp.output(Sent, status_code=202, description=_QUEUED)
@takes(NewText, example={"text": "Your order is ready at six."})
@bp.doc(operation_id="editMessage", summary="Edit a message", tags=TAGS)
def edit_message(instance_id: str, message_id: str, query: Wait, body: NewText) -> tuple[Sent, int]:
    """Edit a message

    Puts another text in the place of one that was sent, for up to 15 minutes. The message shows it
    once WhatsApp has accepted the change.
    """

    def act(message: models.Message) -> models.Message:
        return amending.edit(message, body.text, source=FROM_API)

    return _queued(instance_id, message_id, query, act)


@bp.delete(_MESSAGE)
@bp.input(Wait, location="query", arg_name="query")
@bp.output(Sent, status_code=202, description=_QUEUED)
@bp.doc(operation_id="deleteMessage", summary="Delete a message for everybody", tags=TAGS)
def delete_message(instance_id: str, message_id: str, query: Wait) -> tuple[Sent, int]:
    """Delete a message for everybody

    One of your own, for up to 60 hours. What it said is gone here too, once WhatsApp has accepted
    the deletion.
    """

    def act(message: models.Message) -> models.Message:
        return amending.remove(message, source=FROM_API)

    return _queued(instance_id, message_id, query, act)


class Forward(Body):
    """Where a message is passed on to."""

    to: list[str] = Field(description="1 to 5 numbers or JIDs.", examples=[["+7 916 123-45-67"]])


class Forwarded(Answer):
    """What was queued."""

    messages: list[message_shapes.Message]


@bp.post(f"{_MESSAGE}/forward")
@bp.output(Forwarded, status_code=202, description="Queued, a message for each of them.")
@takes(Forward, example={"to": ["+7 916 123-45-67"]})
@bp.doc(operation_id="forwardMessage", summary="Forward a message", tags=TAGS)
def forward_message(instance_id: str, message_id: str, body: Forward) -> tuple[Forwarded, int]:
    """Forward a message

    Texts, files that are stored here, places, cards and polls, as they are.
    """
    country = current_settings().default_country
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        message = messaging.get_for(instance, message_id)
        to = [chats.with_address(instance, one, country=country) for one in body.to]
        queued = forwarding.forward(message, to, source=FROM_API)
    return Forwarded(messages=[message_shapes.message_shown(one) for one in queued]), 202


def _queued(
    instance_id: str,
    message_id: str,
    query: Wait,
    act: Callable[[models.Message], models.Message],
) -> tuple[Sent, int]:
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        amendment = act(messaging.get_for(instance, message_id))
    return answer_for(amendment, query)
