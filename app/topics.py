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


def receipts(chat_id: str) -> str:
    """How far the messages of a group have come with each of its people."""
    return f"receipts:{chat_id}"


def journal(instance_id: str) -> str:
    """The journal of one instance."""
    return f"journal:{instance_id}"


def contacts(instance_id: str) -> str:
    """The contacts of an instance, and what is being done with them."""
    return f"contacts:{instance_id}"


def number_check(check_id: str) -> str:
    """The answer to a question about a number."""
    return f"number_check:{check_id}"


def group_wish(wish_id: str) -> str:
    """What became of a wish about a group."""
    return f"group_wish:{wish_id}"


def events(instance_id: str) -> str:
    """The events of an instance that programs fetch."""
    return f"events:{instance_id}"


def notices_of(user_id: str) -> str:
    """The notices of a person."""
    return f"notices:{user_id}"


def webhooks_of(user_id: str) -> str:
    """The webhooks of a person, and what was delivered to them."""
    return f"webhooks:{user_id}"
