"""Who types, in a conversation that is open."""

from __future__ import annotations

from flask import request
from flask_login import login_required
from werkzeug.wrappers import Response

from app.services import chat_states, chats
from app.ui.blueprint import bp
from app.ui.conversation import CHAT
from app.ui.instances import owned


@bp.post(f"{CHAT}/typing")
@login_required
def show_typing(instance_id: str, chat_id: str) -> Response:
    """Somebody types in the chat, or does not any more. Writes nothing, waits for nobody."""
    instance = owned(instance_id)
    chat = chats.get_for(instance, chat_id)
    chat_states.types(instance, chat, composing=request.form.get("typing") == "1")
    return Response(status=204)
