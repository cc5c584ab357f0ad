"""The files of messages: given out, and asked for again."""

from __future__ import annotations

from typing import Any

from flask import Response

from app import models
from app.api.blueprint import bp
from app.api.identity import caller
from app.api.message_shapes import Message, message_shown
from app.security.files import file_of
from app.services import instances, media, messaging
from app.transaction import transaction

TAGS = ["Messages"]
_PATH = "/instances/<instance_id>/messages/<message_id>/media"
_FILE: dict[str, Any] = {"content": {"application/octet-stream": {}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file, under the type its bytes have.", **_FILE},
    206: {"description": "The part that Range asked for.", **_FILE},
    416: {"description": "The file has no such part."},
}


@bp.get(_PATH)
@bp.doc(
    operation_id="getMedia",
    summary="Get the file of a message",
    tags=TAGS,
    responses=_ANSWERS,
)
def show_media(instance_id: str, message_id: str) -> Response:
    """Get the file of a message

    Streamed; Range asks for a part. 409 while it is not stored: see media.state of the message.
    """
    return file_of(media.of_message(_found(instance_id, message_id)), download=True)


@bp.post(f"{_PATH}/fetch")
@bp.output(Message, status_code=202, description="It is fetched now; media.state tells how far.")
@bp.doc(operation_id="fetchMedia", summary="Fetch the file of a message", tags=TAGS)
def fetch_media(instance_id: str, message_id: str) -> Message:
    """Fetch the file of a message

    Where that failed, or was not done by itself: history, and large files.
    """
    with transaction():
        message = _found(instance_id, message_id)
        media.ask_for(media.of_message(message))
    return message_shown(message)


def _found(instance_id: str, message_id: str) -> models.Message:
    return messaging.get_for(instances.get_for(caller(), instance_id), message_id)
