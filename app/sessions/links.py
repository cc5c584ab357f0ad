"""What an attempt to link a phone left in its keys, and how a link is written down."""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy import select

from app.config import Settings
from app.engine import keystore
from app.engine.base import Account
from app.engine.errors import EngineError
from app.extensions import db
from app.models import LinkedAccount, Pairing
from app.services import pairings
from app.sessions import key_files

log = structlog.get_logger(__name__)

_CLOCKS_DIFFER = timedelta(minutes=5)
"""How wrong a phone's clock may be."""


def made_by(settings: Settings, key_store: str, code: str | None) -> Account | None:
    """The account that the attempt with these keys and this newest code has linked, if it has.

    Ask when the attempt's process is gone: the engine writes the account down before it confirms
    the link to the phone. On PostgreSQL a phone code tells nothing: see made_by_phone_code.
    """
    try:
        return keystore.linked_account(key_files.store_of(settings, key_store), code)
    except EngineError as error:
        log.error("pairing.keys_unreadable", key_store=key_store, error=str(error))
        return None


def made_by_phone_code(settings: Settings, pairing: Pairing) -> Account | None:
    """The same for a phone code on PostgreSQL, where all keys are in one database and no secret of
    theirs is in the code: the link is of the number that the code was for, made during the attempt,
    and known to no instance."""
    if pairing.phone is None or pairing.started_at is None:
        return None
    store = key_files.store_of(settings, pairing.key_store)
    try:
        found = keystore.links_of_number(store, pairing.phone, pairing.started_at - _CLOCKS_DIFFER)
    except EngineError as error:
        log.error("pairing.keys_unreadable", key_store=pairing.key_store, error=str(error))
        return None
    same_number = select(LinkedAccount).where(LinkedAccount.phone == pairing.phone)
    known = {account.device_jid for account in db.session.scalars(same_number)}
    return next((account for account in found if account.jid not in known), None)


def write_down(pairing: Pairing, account: Account) -> None:
    """Records the link. Raises Conflict when the instance has another one by now."""
    user, _, device = account.jid.partition("@")[0].partition(":")
    lid = account.address.lid
    pairings.finish(
        pairing,
        phone=user,
        lid=lid.partition("@")[0] if lid else None,
        device=int(device or 0),
        push_name=account.push_name,
    )
