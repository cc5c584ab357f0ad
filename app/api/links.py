"""Links of the OpenAPI document: what an answer tells that other operations ask for."""

from __future__ import annotations

import re
from typing import Any

_BODY, _PATH = "$response.body#", "$request.path."
_IN_INSTANCE = {"instance_id": f"{_PATH}instance_id"}
_TOLD: dict[str, dict[str, str]] = {
    "createInstance": {"instance_id": f"{_BODY}/id"},
    "createWebhook": {"webhook_id": f"{_BODY}/id"},
    "createKey": {"key_id": f"{_BODY}/id"},
    "createUser": {"user_id": f"{_BODY}/id"},
    "createInvitation": {"invitation_id": f"{_BODY}/id"},
    "addContact": {"contact_id": f"{_BODY}/id", **_IN_INSTANCE},
    "importContacts": {"import_id": f"{_BODY}/id", **_IN_INSTANCE},
    "startContactTask": {"task_id": f"{_BODY}/id", **_IN_INSTANCE},
    "createGroup": {"group_id": f"{_BODY}/id", **_IN_INSTANCE},
    "sendMessage": {"message_id": f"{_BODY}/message/id", **_IN_INSTANCE},
    "listChats": {"chat_id": f"{_BODY}/items/0/id", **_IN_INSTANCE},
    "listSignIns": {"sign_in_id": f"{_BODY}/items/0/id"},
    "testWebhook": {"delivery_id": f"{_BODY}/id", "webhook_id": f"{_PATH}webhook_id"},
}
"""By operation: what it tells, as parameters are called, and where. The first is what is new."""


def add(document: dict[str, Any]) -> None:
    """Adds to each answer that tells an id a link to whatever that id leads to."""
    operations = [one for path in document["paths"].values() for one in path.values()]
    for operation in operations:
        told = _TOLD.get(operation["operationId"])
        if told is None:
            continue
        answers = operation["responses"]
        status = next(one for one in ("201", "202", "200") if one in answers)
        answers[status]["links"] = dict(_links(document, told))


def _links(document: dict[str, Any], told: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
    new = next(iter(told))
    found = []
    for path, operations in document["paths"].items():
        asked = set(re.findall(r"{(\w+)}", path))
        if new not in asked or not asked <= set(told):
            continue
        parameters = {name: told[name] for name in sorted(asked)}
        for operation in operations.values():
            name = operation["operationId"]
            found.append((name, {"operationId": name, "parameters": parameters}))
    return found
