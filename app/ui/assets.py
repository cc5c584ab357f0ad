"""Stylesheets, scripts and pictures: few, compressed, under addresses that change with them.

What every page needs is put together into one stylesheet and one script, so that a page's first
load takes few requests; a page's own files come besides. Nothing is written to the disk.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from mimetypes import guess_type
from pathlib import Path

from flask import Flask, Response, abort, current_app, g, request, url_for

BUNDLES = {
    "app.css": (
        "vendor/modern-normalize@3.0.1/modern-normalize.css",
        "css/tokens.css",
        "css/base.css",
        "css/shell.css",
        "css/buttons.css",
        "css/forms.css",
        "css/data.css",
        "css/feedback.css",
        "css/pages.css",
        "css/list.css",
    ),
    "app.js": (
        "vendor/htmx.org@2.0.11/htmx.min.js",
        "js/polling.js",
        "js/connection.js",
        "js/time.js",
        "js/countdown.js",
        "js/menus.js",
        "js/dialogs.js",
        "js/answered.js",
        "js/keep-place.js",
        "js/tabs.js",
        "js/announce.js",
        "js/toasts.js",
        "js/theme.js",
        "js/secrets.js",
        "js/files.js",
        "js/keyboard.js",
    ),
    "statistics.css": ("css/statistics.css",),
    "chat.css": ("css/chat.css", "css/media.css"),
    "chat.js": (
        "js/conversation.js",
        "js/mentions.js",  # before what Enter sends
        "js/outgoing.js",
        "js/typing.js",
        "js/upload.js",
        "js/attach.js",
        "js/voice.js",
        "js/saying.js",
        "js/chat-list.js",
    ),
}
COMPRESSED = frozenset({".css", ".js", ".svg"})
KEPT_FOR = 365 * 24 * 3600  # seconds; another content has another address


@dataclass(frozen=True, slots=True)
class Asset:
    """What is sent: the content, small where that helps, and a word that stands for it."""

    content: bytes
    compressed: bytes | None
    digest: str


def register(app: Flask) -> None:
    """Adds the address of the files, and `asset` to the templates of `app`."""
    app.add_url_rule("/assets/<digest>/<path:name>", "asset", send)
    app.jinja_env.globals["asset"] = address


def address(name: str) -> str:
    """The address of a bundle, or of a file of the folder `static`; looked up once a request, for
    a list has hundreds of icons."""
    known: dict[str, str] = g.setdefault("assets", {})
    if name not in known:
        known[name] = url_for("asset", digest=_read(name).digest, name=name)
    return known[name]


def send(digest: str, name: str) -> Response:
    """The file; an address of an older content gives the newer one, but not for keeps."""
    asset = _asset_or_404(name)
    small = asset.compressed is not None and request.accept_encodings.quality("gzip") > 0
    response = Response(asset.compressed if small else asset.content, mimetype=_type_of(name))
    if asset.compressed is not None:
        response.vary.add("Accept-Encoding")
    if small:
        response.content_encoding = "gzip"
    fresh = digest == asset.digest
    response.headers["Cache-Control"] = (
        f"public, max-age={KEPT_FOR}, immutable" if fresh else "no-cache"
    )
    return response


def _asset_or_404(name: str) -> Asset:
    folder = Path(str(current_app.static_folder)).resolve()
    if name not in BUNDLES:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder) or not path.is_file():
            abort(404)
    return _read(name)


def _type_of(name: str) -> str:
    return guess_type(name)[0] or "application/octet-stream"


def _read(name: str) -> Asset:
    """The asset as the files are now: an edited file shows without a restart."""
    folder = Path(str(current_app.static_folder))
    paths = tuple(folder / part for part in BUNDLES.get(name, (name,)))
    return _put_together(paths, tuple(path.stat().st_mtime_ns for path in paths))


@lru_cache(maxsize=64)
def _put_together(paths: tuple[Path, ...], _changed: tuple[int, ...]) -> Asset:
    content = b"\n".join(path.read_bytes() for path in paths)
    shrinks = paths[0].suffix in COMPRESSED
    return Asset(
        content,
        gzip.compress(content, compresslevel=9, mtime=0) if shrinks else None,
        hashlib.sha256(content).hexdigest()[:10],
    )
