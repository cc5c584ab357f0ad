"""Tables and their invariants; they know nothing of what stands above them."""

from app.models.activity import Activity
from app.models.chat import Chat
from app.models.instance import Instance, LinkedAccount
from app.models.message import Message
from app.models.pairing import Pairing
from app.models.session import Host, Lease
from app.models.tick import Tick
from app.models.user import AccessToken, ApiKey, SetupLink, User
from app.models.webhook import Attempt, Delivery, Endpoint

__all__ = [
    "AccessToken",
    "Activity",
    "ApiKey",
    "Attempt",
    "Chat",
    "Delivery",
    "Endpoint",
    "Host",
    "Instance",
    "Lease",
    "LinkedAccount",
    "Message",
    "Pairing",
    "SetupLink",
    "Tick",
    "User",
]
