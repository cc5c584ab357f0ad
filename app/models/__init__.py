"""Tables and their invariants; they know nothing of what stands above them."""

from app.models.activity import Activity
from app.models.call import Call
from app.models.chat import Chat
from app.models.chat_wish import ChatWish, PhoneSettings
from app.models.contact import Contact, ContactNumber, WhatsAppContact
from app.models.contact_import import ContactImport, RefusedRow
from app.models.contact_task import ContactTask
from app.models.event import EventFeed, KeptEvent
from app.models.group import GroupMember, GroupWish
from app.models.instance import Instance, LinkedAccount
from app.models.link import Invitation, PasswordReset, SetupLink
from app.models.media import Media
from app.models.message import Message
from app.models.message_receipt import MessageReceipt
from app.models.message_text import MessageText
from app.models.notice import Notice
from app.models.number_check import NumberCheck
from app.models.pairing import Pairing
from app.models.poll_vote import PollVote
from app.models.profile_picture import ProfilePicture
from app.models.quote import Quote
from app.models.reaction import Reaction
from app.models.read_mark import ReadMark
from app.models.session import Host, Lease
from app.models.sign_in import SignIn
from app.models.tick import Tick
from app.models.usage import CHAT_USAGE, USAGE, CountedBatch, FormerInstance
from app.models.user import AccessToken, ApiKey, ApiKeyInstance, User
from app.models.webhook import Attempt, Delivery, Endpoint

__all__ = [
    "CHAT_USAGE",
    "USAGE",
    "AccessToken",
    "Activity",
    "ApiKey",
    "ApiKeyInstance",
    "Attempt",
    "Call",
    "Chat",
    "ChatWish",
    "Contact",
    "ContactImport",
    "ContactNumber",
    "ContactTask",
    "CountedBatch",
    "Delivery",
    "Endpoint",
    "EventFeed",
    "FormerInstance",
    "GroupMember",
    "GroupWish",
    "Host",
    "Instance",
    "Invitation",
    "KeptEvent",
    "Lease",
    "LinkedAccount",
    "Media",
    "Message",
    "MessageReceipt",
    "MessageText",
    "Notice",
    "NumberCheck",
    "Pairing",
    "PasswordReset",
    "PhoneSettings",
    "PollVote",
    "ProfilePicture",
    "Quote",
    "Reaction",
    "ReadMark",
    "RefusedRow",
    "SetupLink",
    "SignIn",
    "Tick",
    "User",
    "WhatsAppContact",
]
