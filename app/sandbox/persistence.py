"""Names of the stored documents, and accounts put together again from them."""

from __future__ import annotations

from app.sandbox.appstate import AppState
from app.sandbox.mailbox import Mailbox
from app.sandbox.signal.session import SignalDevice
from app.sandbox.storage import Storage
from app.sandbox.world import Account, Companion, Kept

# The document of what the media host signs its links with.
MEDIA_SECRET = "media_secret"  # noqa: S105  # a name


def account_name(account: Account) -> str:
    """The document of an account's own facts."""
    return f"account:{account.number}"


def phone_name(account: Account) -> str:
    """The document of its phone's keys, sessions and memory."""
    return f"phone:{account.number}"


def past_name(account: Account) -> str:
    """The document of what its phone remembers from before it was linked."""
    return f"past:{account.number}"


def appstate_name(account: Account) -> str:
    """The document of what a phone shares with its companions beside messages."""
    return f"appstate:{account.number}"


def companion_name(account: Account, companion: Companion) -> str:
    """The document of a linked device."""
    return f"companion:{account.number}:{companion.number}"


def mailbox_name(account: Account, companion: Companion) -> str:
    """The document of what waits for a linked device."""
    return f"mailbox:{account.number}:{companion.number}"


def load_accounts(storage: Storage) -> dict[str, Account]:
    """Return the stored accounts by number."""
    documents = storage.documents()
    accounts = {}
    for name, body in documents.items():
        if not name.startswith("account:"):
            continue
        account = Account(body["number"], body["name"], body["behavior"])
        account.next_device = body["next_device"]
        account.blocked = set(body.get("blocked", ()))
        account.kept = {jid: Kept(**kept) for jid, kept in body.get("kept", {}).items()}
        account.keys = SignalDevice.load(documents[phone_name(account)]["keys"])
        account.appstate = AppState(documents[appstate_name(account)])
        for device in body["devices"]:
            companion = Companion.load(documents[f"companion:{account.number}:{device}"])
            waiting = documents.get(mailbox_name(account, companion), [])
            companion.mailbox = Mailbox.load(waiting)
            account.companions[device] = companion
        accounts[account.number] = account
    return accounts
