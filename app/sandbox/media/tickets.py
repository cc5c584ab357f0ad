"""Who may upload, and which links are genuine: both can be told from themselves alone.

An upload shows the `auth` that a device was given with its media_conn; a download shows nothing but
the link, which is signed and expires. Nothing of either needs to be remembered over a restart but
the secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl

LINK_LIFETIME = 30 * 24 * 3600  # seconds
_FOLDER = "/v/t62.7118-24/"
_SUFFIX = ".enc"
_PICTURES = "/v/t61.24694-24/"


@dataclass(frozen=True, slots=True)
class Link:
    """A genuine link: the file's name, and the number whose faults a download is subject to."""

    name: str
    number: str


def name_of(enc_sha256: bytes) -> str:
    """Return the name of an encrypted file: its hash, as the paths of uploads carry it."""
    return base64.urlsafe_b64encode(enc_sha256).decode()


class Tickets:
    """Signs and checks with `secret`."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def auth(self, number: str, device: int) -> str:
        """Return what the device shows when it uploads."""
        return f"{number}.{device}.{self._sign('auth', number, str(device))}"

    def device_of(self, auth: str) -> tuple[str, int] | None:
        """Return number and device of a genuine `auth`, else None."""
        number, _, rest = auth.partition(".")
        device, _, signature = rest.partition(".")
        if not self._is_signed(signature, "auth", number, device):
            return None
        return number, int(device)

    def link(self, name: str, number: str) -> str:
        """Return the direct path of a file; it always has a query, as the engine expects."""
        expires = f"{int(time.time()) + LINK_LIFETIME:X}"
        signature = self._sign("link", name, number, expires)
        bare = name.rstrip("=")
        return f"{_FOLDER}{bare}{_SUFFIX}?ccb=11-4&oh={signature}&oe={expires}&_nc_sid={number}"

    def opened(self, target: str) -> Link | None:
        """Return the link in a request's target; None when it is forged, incomplete or expired."""
        path, _, query = target.partition("?")
        fields = dict(parse_qsl(query))
        number, expires = fields.get("_nc_sid", ""), fields.get("oe", "")
        bare = path.removeprefix(_FOLDER).removesuffix(_SUFFIX)
        name = bare + "=" * (-len(bare) % 4)
        if not self._is_signed(fields.get("oh", ""), "link", name, number, expires):
            return None
        return Link(name, number) if int(expires, 16) > time.time() else None

    def picture(self, name: str) -> str:
        """Return the direct path of a profile picture."""
        expires = f"{int(time.time()) + LINK_LIFETIME:X}"
        signature = self._sign("picture", name, expires)
        return f"{_PICTURES}{name}.jpg?ccb=11-4&oh={signature}&oe={expires}"

    def opened_picture(self, target: str) -> str | None:
        """Return the name of the picture in a request's target; None for no genuine link."""
        path, _, query = target.partition("?")
        fields = dict(parse_qsl(query))
        name, expires = path.removeprefix(_PICTURES).removesuffix(".jpg"), fields.get("oe", "")
        if not self._is_signed(fields.get("oh", ""), "picture", name, expires):
            return None
        return name if int(expires, 16) > time.time() else None

    def _sign(self, *parts: str) -> str:
        digest = hmac.digest(self._secret, "\n".join(parts).encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:18]).decode()

    def _is_signed(self, signature: str, *parts: str) -> bool:
        return hmac.compare_digest(signature.encode(), self._sign(*parts).encode())
