"""The names of the change counters that polls compare."""

from __future__ import annotations


def instance(instance_id: str) -> str:
    """State, pairing and settings of one instance."""
    return f"instance:{instance_id}"


def instances_of(user_id: str) -> str:
    """Anything shown in a person's list of instances."""
    return f"instances:{user_id}"


def chats(instance_id: str) -> str:
    """The list of an instance's chats."""
    return f"chats:{instance_id}"


def chat(chat_id: str) -> str:
    """The messages of one chat."""
    return f"chat:{chat_id}"
