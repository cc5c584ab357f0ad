"""Why an instance is in its state: one table of slugs, each with a sentence and what to do.

Sentences are msgids; `%(name)s` placeholders are filled from the reason's detail.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.core.texts import N_


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason in words: what happened, and what the person can do about it."""

    slug: str
    sentence: str
    hint: str


_TABLE = (
    Reason(
        "phone_logged_out",
        N_("Unlinked on the phone"),
        N_("Press Reconnect and scan the new QR code to link the phone again."),
    ),
    Reason(
        "signed_out_here",
        N_("Signed out here"),
        N_("Press Reconnect and scan the new QR code to link a phone."),
    ),
    Reason(
        "signed_out_unheard",
        N_("Signed out here, but WhatsApp could not be told"),
        N_("Remove this device on the phone: Settings, Linked devices."),
    ),
    Reason(
        "account_gone",
        N_("WhatsApp no longer knows this account"),
        N_("Open WhatsApp on the phone and check the account, then press Reconnect."),
    ),
    Reason(
        "phone_code",
        N_("Waiting for the code"),
        N_("Open WhatsApp on the phone and type the code there."),
    ),
    Reason(
        "qr_expired",
        N_("The QR code has expired"),
        N_("Press Reconnect to get a new QR code."),
    ),
    Reason(
        "code_expired",
        N_("The code has expired"),
        N_("Press Reconnect, then ask for a new code."),
    ),
    Reason(
        "number_refused",
        N_("WhatsApp gives no code for this number"),
        N_("Check the number: it must be the one WhatsApp on the phone uses, with country code."),
    ),
    Reason(
        "too_many_codes",
        N_("WhatsApp gives no more codes for this number for now"),
        N_("Wait an hour, or press Reconnect and scan the QR code instead."),
    ),
    Reason(
        "pairing_refused",
        N_("The phone refused to link"),
        N_("Press Reconnect and scan the new QR code."),
    ),
    Reason(
        "pairing_cut_off",
        N_("The connection broke off while linking"),
        N_("Check that the phone has a network connection, then press Reconnect and try again."),
    ),
    Reason(
        "pairing_crashed",
        N_("Linking was interrupted"),
        N_("Press Reconnect to get a new QR code."),
    ),
    Reason(
        "stream_replaced",
        N_("Opened somewhere else"),
        N_("Another program took over this session. Close it there, then press Reconnect."),
    ),
    Reason(
        "taken_back",
        N_("The process that held this session before opened it once more"),
        N_("The session is opened here again by itself. If it stays so, end that process."),
    ),
    Reason(
        "restricted",
        N_("WhatsApp has restricted this number"),
        N_("Open WhatsApp on the phone: it says why and for how long. Then press Reconnect."),
    ),
    Reason(
        "temporary_ban",
        N_("WhatsApp has restricted this number until %(until)s"),
        N_("Wait until then, then press Reconnect. Write less, and only to people who expect it."),
    ),
    Reason(
        "client_outdated",
        N_("WhatsApp no longer accepts this version"),
        N_("Update WhatsApp API Manager, then press Reconnect."),
    ),
    Reason(
        "same_number_elsewhere",
        N_("This number is already linked in the instance “%(instance)s”"),
        N_("Use that instance, or sign out there and press Reconnect here."),
    ),
    Reason(
        "same_number_of_another",
        N_("Somebody else has linked this number here already"),
        N_("Ask whoever runs this server, or link another number."),
    ),
    Reason(
        "network_unreachable",
        N_("WhatsApp cannot be reached"),
        N_("Check this server's network and the proxy, then try again."),
    ),
    Reason(
        "proxy_unreachable",
        N_("The proxy of this instance does not answer"),
        N_("Check the proxy, or set another one in the settings of the instance."),
    ),
    Reason(
        "proxy_refused",
        N_("The proxy of this instance refuses the user name and the password"),
        N_("Correct them in the settings of the instance."),
    ),
    Reason(
        "proxy_no_way",
        N_("The proxy of this instance cannot reach WhatsApp"),
        N_("Check the proxy, or set another one in the settings of the instance."),
    ),
    Reason(
        "proxy_not_allowed",
        N_("This server makes no connections to the address of this instance's proxy"),
        N_("Set another one in the settings of the instance, or ask whoever runs this server."),
    ),
    Reason(
        "connection_lost",
        N_("The connection to WhatsApp was lost"),
        N_("It is restored by itself; nothing needs to be done."),
    ),
    Reason(
        "no_answer",
        N_("WhatsApp does not answer on this connection"),
        N_("The connection is opened again by itself; nothing needs to be done."),
    ),
    Reason(
        "host_lost",
        N_("The process that held the session ended"),
        N_("The session is opened again by itself; nothing needs to be done."),
    ),
    Reason(
        "moving",
        N_("The session is moving to another process"),
        N_("This takes a few seconds; nothing needs to be done."),
    ),
    Reason(
        "crash_suspected",
        N_("The process that held the session crashed while this session was being opened"),
        N_("It is tried again by itself, apart from the others; nothing needs to be done."),
    ),
    Reason(
        "crashes_host",
        N_("Opening this session crashed its process %(times)s times"),
        N_("Log out and link the phone again. If it happens again, tell whoever runs this server."),
    ),
    Reason(
        "keys_missing",
        N_("The keys of this session are missing on the server"),
        N_("Press Reconnect and scan the new QR code to link the phone again."),
    ),
    Reason(
        "link_ended",
        N_("WhatsApp no longer accepts this link"),
        N_("It was removed on the phone, or WhatsApp ended it. Press Reconnect and link again."),
    ),
    Reason(
        "key_store_unwritable",
        N_("The session's keys cannot be written to disk"),
        N_("Free disk space on the server; sending goes on by itself afterwards."),
    ),
    Reason(
        "key_store_unreadable",
        N_("The session's keys cannot be read"),
        N_("Check the server's disk, or its database. It is tried again by itself."),
    ),
    Reason(
        "engine_trouble",
        N_("The session could not be opened"),
        N_("It is tried again by itself. The server's log says more."),
    ),
    Reason(
        "refused_by_whatsapp",
        N_("WhatsApp refused the connection (code %(code)s)"),
        N_("Press Reconnect. If it stays, link the phone again."),
    ),
)

REASONS = {reason.slug: reason for reason in _TABLE}


def reason_of(slug: str | None) -> Reason | None:
    """The words for `slug`; None where there is no reason to give."""
    return REASONS[slug] if slug else None
