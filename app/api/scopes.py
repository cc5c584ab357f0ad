"""What of the API a key of which scope may be used for: the one place that says it.

Whoever adds an operation adds its endpoint here; one that stands nowhere is for the personal key.
"""

from __future__ import annotations

from flask import request

from app.core.errors import Forbidden
from app.core.scopes import Scope
from app.core.texts import N_
from app.models import ApiKey
from app.services.api_keys import OUTSIDE

OPEN = frozenset({"login", "show_openapi", "show_docs", "show_docs_file"})
"""What nobody needs to be known for."""

READ = frozenset(
    {
        *("list_instances", "show_instance", "show_status", "list_activity", "show_me"),
        *("list_queue", "show_message", "show_media", "list_chats", "list_messages"),
        *("list_contacts", "show_contact", "list_duplicates"),
        *("show_contact_import", "show_contact_task", "list_groups", "show_group"),
        *("list_events", "stream_events"),
        *("list_webhooks", "list_instance_webhooks", "show_webhook", "show_health"),
        *("check_numbers", "show_photo"),
        *("list_deliveries", "list_all_deliveries", "show_delivery"),
        *("show_user_statistics", "show_instance_statistics", "list_top_chats"),
    }
)
SEND = frozenset(
    {
        *("send_message", "send_batch", "resend_message", "retry_message", "dismiss_message"),
        *("react_to_message", "edit_message", "delete_message", "forward_message"),
        *("vote_in_poll", "mark_chat_read", "show_typing", "fetch_media"),
        *("cancel_message", "cancel_queue", "pause_queue", "resume_queue"),
    }
)
MANAGE = frozenset(
    {
        *("create_instance", "update_instance", "patch_instance", "delete_instance"),
        *("show_qr", "show_phone_code", "reconnect", "log_out"),
        *("update_chat", "block_number", "unblock_number"),
        *("create_group", "rename_group", "add_group_members", "change_group_member"),
        *("remove_group_member", "get_group_link", "leave_one_group"),
        *("add_contact", "update_contact", "delete_contact", "erase_contact", "merge_contacts"),
        *("import_contacts", "cancel_contact_import", "start_contact_task", "cancel_contact_task"),
        *("create_webhook", "update_webhook", "delete_webhook", "rotate_secret", "probe_webhook"),
        *("test_webhook", "replay_delivery", "replay_deliveries", "replay_failed"),
    }
)
PERSONAL = frozenset(
    {
        *("update_me", "change_password", "list_sign_ins", "end_all_sign_ins", "end_sign_in"),
        *("show_key", "rotate_key", "end_former_keys"),
        *("list_keys", "create_key", "show_one_key", "revoke_key"),
        *("list_users", "create_user", "show_user", "update_user", "delete_user"),
        *("disable_user", "enable_user", "create_reset_link"),
        *("list_invitations", "create_invitation", "delete_invitation"),
        *("list_all_activity", "list_notices", "read_notices", "dismiss_notice"),
    }
)
"""The account itself, and other people's: a key that could do this could give itself more."""

_SCOPES = {
    **dict.fromkeys(READ, Scope.READ),
    **dict.fromkeys(SEND, Scope.SEND),
    **dict.fromkeys(MANAGE, Scope.MANAGE),
}


def scope_of(view: str) -> Scope | None:
    """The scope that the operation of this view needs; None: the personal key."""
    return _SCOPES.get(view.removeprefix("api."))


def check(key: ApiKey, reach: frozenset[str] | None) -> None:
    """Nothing. Raises Forbidden when `key` is not for what the request asks for."""
    if key.scopes is None:
        return
    scope = scope_of(request.endpoint or "")
    if scope is None:
        message = N_("Only the personal API key, a token or a browser may do this.")
        raise Forbidden(message, code="personal_key_needed")
    need(key, scope)
    instance_id = (request.view_args or {}).get("instance_id")
    if instance_id is not None and reach is not None and instance_id not in reach:
        raise Forbidden(OUTSIDE, code="outside_key")


def has(key: ApiKey | None, scope: Scope) -> bool:
    """Whether no key was sent, or one that has this scope; the personal one has all."""
    return key is None or key.scopes is None or scope in key.scopes


def need(key: ApiKey | None, scope: Scope) -> None:
    """Nothing. Raises Forbidden when a key was sent that has not this scope."""
    if not has(key, scope):
        message = N_("This API key has not the scope %(scope)s.")
        raise Forbidden(message, code="scope_missing", scope=scope.value)
