"""What the control interface can be asked, and how it answers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from app.sandbox import blows, link_code, login, notices, pairing
from app.sandbox.control import (
    address_book,
    calls,
    cards,
    faces,
    groups,
    kept,
    media,
    messages,
    past,
    state,
)
from app.sandbox.control.request import ControlError, Request, phone_number
from app.sandbox.demo_world import DEMO_PHONE
from app.sandbox.faults import FaultError
from app.sandbox.network import Network, NetworkError
from app.sandbox.world import BEHAVIORS, PHONE, Account, Endpoint

_Answer = tuple[int, Any]
_Route = Callable[..., Awaitable[_Answer]]


async def answer(network: Network, request: Request) -> _Answer:
    """Return status and body, a Path for a file; raises ControlError.

    Runs on the network's event loop.
    """
    handler, arguments = _find(request)
    try:
        return await handler(network, request, *arguments)
    except FaultError as error:
        raise ControlError(400, str(error)) from None
    except pairing.ScanError as error:
        raise ControlError(422, str(error)) from None
    except NetworkError as error:
        raise ControlError(404, str(error)) from None


def _find(request: Request) -> tuple[_Route, tuple[str, ...]]:
    known = False
    for method, pattern, handler in _ROUTES:
        match = re.fullmatch(pattern, request.path)
        if match and method == request.method:
            return handler, tuple(map(unquote, match.groups()))
        known = known or match is not None
    if known:
        raise ControlError(405, f"{request.method} is not possible here")
    raise ControlError(404, f"there is nothing at {request.path}")


async def _get_state(network: Network, request: Request) -> _Answer:
    return 200, state.describe(network)


async def _add_account(network: Network, request: Request) -> _Answer:
    number = phone_number(request.text("number"))
    behavior = request.text("behavior", "silent")
    if behavior not in BEHAVIORS:
        raise ControlError(400, f"behavior is one of {', '.join(BEHAVIORS)}")
    if number in network.accounts:
        raise ControlError(409, f"{number} is already on the network")
    account = network.add_account(number, request.text("name", number), behavior)
    return 201, state.describe_account(network, account)


async def _scan(network: Network, request: Request) -> _Answer:
    code = pairing.ScannedCode.parse(request.text("qr"))
    offer = pairing.find_offer(network, code)
    number = phone_number(request.text("number", DEMO_PHONE))
    account = network.accounts.get(number)
    if account is None:
        account = network.add_account(number, request.text("name", number), "silent")
    return await _link(network, request, account, offer, code.adv_secret)


async def _pair_code(network: Network, request: Request) -> _Answer:
    account = network.account(phone_number(request.text("number", DEMO_PHONE)))
    waiting = link_code.find(network, account.number)
    offer = pairing.offer_of(network, waiting.connection)
    adv_secret = await link_code.type_in(network, account, waiting, request.text("code"))
    return await _link(network, request, account, offer, adv_secret)


async def _link(
    network: Network,
    request: Request,
    account: Account,
    offer: pairing.PairingOffer,
    adv_secret: bytes,
) -> _Answer:
    outcome = request.text("outcome", "link")
    if outcome in _FAILED_LINKS:
        await _FAILED_LINKS[outcome](network, account, offer)
        return 200, {"outcome": outcome}
    if outcome != "link":
        raise ControlError(400, f"outcome is link, {' or '.join(_FAILED_LINKS)}")
    endpoint = await pairing.link(network, account, offer, adv_secret)
    return 200, {
        "jid": str(endpoint.jid),
        "lid": str(endpoint.lid),
        "device": endpoint.device,
    }


async def _read(network: Network, request: Request, number: str) -> _Answer:
    account = network.account(number)
    author = network.account(phone_number(request.text("from")))
    ids = request.body.get("ids")
    if ids is not None and not (isinstance(ids, list) and all(isinstance(i, str) for i in ids)):
        raise ControlError(400, "ids is a list of texts")
    return 200, {"ids": network.phones[account.number].read(author, ids)}


async def _block(network: Network, request: Request, number: str) -> _Answer:
    account = network.account(number)
    other = network.account(phone_number(request.text("number")))
    change = account.blocked.discard if request.body.get("on") is False else account.blocked.add
    change(other.number)
    network.save_account(account)
    notices.blocklist(network, account, other, Endpoint(account, PHONE))
    return 200, {"blocked": sorted(account.blocked)}


async def _remove_device(network: Network, request: Request, number: str, device: str) -> _Answer:
    login.remove_device(network, Endpoint(network.account(number), int(device)))
    return 200, state.describe_account(network, network.account(number))


async def _get_log(network: Network, request: Request) -> _Answer:
    since = request.query.get("since", "0")
    if not since.isdigit():
        raise ControlError(400, "since is a number")
    return 200, {"entries": network.journal.since(int(since))}


async def _get_faults(network: Network, request: Request) -> _Answer:
    return 200, network.faults.dump()


async def _set_faults(network: Network, request: Request) -> _Answer:
    """Blows happen once, at once; the rest stays in force."""
    values = dict(request.body)
    number = values.pop("number", None)
    struck = [name for name in blows.BLOWS if values.pop(name, False) is True]
    account = network.account(phone_number(str(number))) if number else None
    network.faults.change(account.number if account else None, values)
    for name in struck:
        blows.BLOWS[name](network, account)
    return 200, network.faults.dump()


async def _reset_faults(network: Network, request: Request) -> _Answer:
    network.faults.reset()
    return 200, network.faults.dump()


_FAILED_LINKS = {"break_off": pairing.break_off, "refuse": pairing.refuse}
_ROUTES: tuple[tuple[str, str, _Route], ...] = (
    ("GET", "/state", _get_state),
    ("POST", "/accounts", _add_account),
    ("POST", "/scan", _scan),
    ("POST", "/pair-code", _pair_code),
    ("POST", "/accounts/([0-9]+)/contacts", address_book.save),
    ("PUT", "/accounts/([0-9]+)/past", past.keep),
    ("PUT", "/accounts/([0-9]+)/kept", kept.keep),
    ("POST", "/accounts/([0-9]+)/send", messages.send),
    ("POST", "/accounts/([0-9]+)/typing", messages.typing),
    ("POST", "/accounts/([0-9]+)/react", messages.react),
    ("POST", "/accounts/([0-9]+)/edit", messages.edit),
    ("POST", "/accounts/([0-9]+)/delete", messages.delete),
    ("POST", "/accounts/([0-9]+)/play", messages.play),
    ("POST", "/accounts/([0-9]+)/location", cards.location),
    ("POST", "/accounts/([0-9]+)/contact", cards.contact),
    ("POST", "/accounts/([0-9]+)/poll", cards.poll),
    ("POST", "/accounts/([0-9]+)/vote", cards.vote),
    ("POST", "/accounts/([0-9]+)/call", calls.call),
    ("POST", "/accounts/([0-9]+)/hang-up", calls.hang_up),
    ("POST", "/accounts/([0-9]+)/read", _read),
    ("POST", "/accounts/([0-9]+)/media", media.send),
    ("GET", "/accounts/([0-9]+)/media", media.received),
    ("GET", "/accounts/([0-9]+)/media/([^/]+)", media.fetch),
    ("PUT", "/accounts/([0-9]+)/picture", faces.of_account),
    ("PUT", "/accounts/([0-9]+)/blocked", _block),
    ("GET", "/accounts/([0-9]+)/picture", faces.where),
    ("PUT", "/groups/([0-9]+)/picture", faces.of_group),
    ("DELETE", "/accounts/([0-9]+)/devices/([0-9]+)", _remove_device),
    ("GET", "/groups", groups.listed),
    ("POST", "/groups", groups.create),
    ("POST", "/groups/([0-9]+)/(add|remove|promote|demote)", groups.change),
    ("POST", "/groups/([0-9]+)/leave", groups.leave),
    ("POST", "/groups/([0-9]+)/subject", groups.rename),
    ("POST", "/groups/([0-9]+)/announce", groups.announce),
    ("GET", "/log", _get_log),
    ("GET", "/faults", _get_faults),
    ("PUT", "/faults", _set_faults),
    ("DELETE", "/faults", _reset_faults),
)
