"""Counts the calls of each person, for the statistics."""

from __future__ import annotations

from flask import Response, g, request

from app.api.blueprint import bp
from app.services import api_calls


@bp.after_request
def note_call(response: Response) -> Response:
    """Every request counts of which is known whose it is, whatever came of it."""
    caller_id = g.get("caller_id")
    if caller_id is not None:
        api_calls.note(caller_id, (request.view_args or {}).get("instance_id"))
    return response
