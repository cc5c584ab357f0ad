"""The media host: takes encrypted files and gives them out again, to and from the disk.

Uploads: POST /mms/<type>/<base64url SHA-256>?auth&token. Downloads: GET of a link, in ranges too.
Source: whatsmeow, upload.go and download.go; the refusals are those a client of WhatsApp knows: 401
for an `auth` nobody was given, 403 for a link that is not genuine, 404 for a file that is gone.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from typing import TYPE_CHECKING, BinaryIO

from app.sandbox.media import ranges, tickets
from app.sandbox.media.exchange import BrokenOff, Exchange
from app.sandbox.media.kinds import UPLOAD_TYPES
from app.sandbox.wire import http

if TYPE_CHECKING:
    from app.sandbox.network import Network
    from app.sandbox.world import Endpoint

log = logging.getLogger(__name__)
HOST = "mmg.whatsapp.net"
PICTURES_HOST = "pps.whatsapp.net"
"""Where profile pictures are; they are not encrypted."""
_UPLOAD = re.compile(r"/mms/([a-z-]+)/([A-Za-z0-9_-]{43}=?)")
_LINKS = "/v/"


def picture_url(network: Network, user: str, picture_id: str) -> str:
    """Return where the picture of `user` is, for some days."""
    return f"https://{PICTURES_HOST}{network.tickets.picture(f'{user}.{picture_id}')}"


async def serve(
    network: Network,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    pictures: bool = False,
) -> None:
    """Answer one request after the other until the client ends the connection."""
    while request := await http.read_request(reader):
        exchange = Exchange(request, reader, writer)
        try:
            await (_show if pictures else _answer)(network, exchange)
        except BrokenOff:
            writer.transport.abort()
            return
        await writer.drain()
        if exchange.is_last:
            return


async def _answer(network: Network, exchange: Exchange) -> None:
    path = exchange.request.target.partition("?")[0]
    upload = _UPLOAD.fullmatch(path)
    method = exchange.request.method
    if upload and upload[1] in UPLOAD_TYPES and method in ("POST", "DELETE"):
        owner = _owner(network, exchange.query.get("auth", ""))
        name = upload[2] if upload[2].endswith("=") else upload[2] + "="
        if owner is None:
            await exchange.reply("401 Unauthorized")
        elif method == "POST":
            await _take(network, exchange, owner, name)
        else:
            gone = network.media.remove(name)
            await exchange.reply("200 OK" if gone else "404 Not Found")
    elif path.startswith(_LINKS) and method == "GET":
        await _give(network, exchange)
    else:
        network.report_unhandled(f"media {method} {path[:60]}")
        await exchange.reply("404 Not Found")


async def _show(network: Network, exchange: Exchange) -> None:
    """Send a profile picture."""
    name = network.tickets.opened_picture(exchange.request.target)
    path = network.faces.find(name) if name else None
    if name is None or exchange.request.method != "GET":
        await exchange.reply("403 Forbidden")
    elif path is None:
        await exchange.reply("404 Not Found")
    else:
        with path.open("rb") as file:
            await exchange.send_file(file, path.stat().st_size, None, break_off=False)


def _owner(network: Network, auth: str) -> Endpoint | None:
    """Return the linked device that was given `auth`."""
    device = network.tickets.device_of(auth)
    account = network.accounts.get(device[0]) if device else None
    if account is None or device is None:
        return None
    return network.endpoint(account.jid.on_device(device[1]))


async def _take(network: Network, exchange: Exchange, owner: Endpoint, name: str) -> None:
    """Store an upload; it must be the file that its path names."""
    number = owner.account.number
    faults = network.faults.of(number)
    exchange.kb_per_second = faults.media_kb_per_second
    if faults.upload_failure is not None:
        await exchange.reply(f"{faults.upload_failure} Refused")
        return
    if exchange.length is None:
        await exchange.reply("411 Length Required")
        return
    refusal = await _store(network, exchange, name, faults.break_off_uploads)
    if refusal:
        await exchange.reply(refusal)
        return
    link = network.tickets.link(name, number)
    told = {"url": f"https://{HOST}{link}&mms3=true", "direct_path": link, "handle": name[:16]}
    await exchange.reply("200 OK", json.dumps(told).encode())


async def _store(network: Network, exchange: Exchange, name: str, break_off: bool) -> str:
    """Put the body on the shelf; returns the status it is refused with, "" when it is there."""
    if (exchange.length or 0) > network.media.limit:
        return "413 Content Too Large"
    with network.media.draft() as draft:
        with draft.open("wb") as file:
            digest = await _receive(exchange, file, break_off)
        if tickets.name_of(digest) != name:
            return "400 Bad Request"
        network.media.keep(draft, name)
    return ""


async def _receive(exchange: Exchange, file: BinaryIO, break_off: bool) -> bytes:
    """Write the body into `file` and return its hash; raises BrokenOff half-way if it shall."""
    digest, middle = hashlib.sha256(), (exchange.length or 0) // 2
    async for piece in exchange.body():
        digest.update(piece)
        file.write(piece)
        if break_off and file.tell() >= middle:
            raise BrokenOff
    return digest.digest()


async def _give(network: Network, exchange: Exchange) -> None:
    """Send a file, or the part of it that is asked for."""
    link = network.tickets.opened(exchange.request.target)
    if link is None:
        await exchange.reply("403 Forbidden")
        return
    faults = network.faults.of(link.number)
    exchange.kb_per_second = faults.media_kb_per_second
    if faults.download_failure is not None:
        await exchange.reply(f"{faults.download_failure} Refused")
        return
    path = network.media.find(link.name)
    if path is None:
        await exchange.reply("404 Not Found")
        return
    with path.open("rb") as file:
        size = path.stat().st_size
        try:
            part = ranges.asked_for(exchange.request.headers.get("range", ""), size)
        except ranges.NotInFile:
            headers = {"Content-Range": f"bytes */{size}"}
            await exchange.reply("416 Range Not Satisfiable", headers=headers)
        else:
            await exchange.send_file(file, size, part, break_off=faults.break_off_downloads)
