"""/api/docs: the OpenAPI document as a page, from which one can call with a key of one's own."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

from flask import Response, current_app, render_template, request

from app.api.blueprint import bp
from app.core.errors import NotFound

VIEWER = "vendor/swagger-ui-dist@5.35.0"
_KEPT_FOR = 24 * 3600  # seconds
_TYPES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}


@bp.get("/docs")
@bp.doc(hide=True)
def show_docs() -> str:
    """The page; open to everybody, as the document is."""
    return render_template("api/docs.html")


@bp.get("/docs/<name>")
@bp.doc(hide=True)
def show_docs_file(name: str) -> Response:
    """A file of the viewer. They are kept as they go out, compressed: a fifth of their size."""
    if name not in _TYPES:
        raise NotFound()
    content = _packed(Path(str(current_app.static_folder)) / VIEWER / f"{name}.gz")
    response = Response(content, mimetype=_TYPES[name])
    response.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip") > 0:
        response.content_encoding = "gzip"
    else:
        response.set_data(gzip.decompress(content))
    response.headers["Cache-Control"] = f"public, max-age={_KEPT_FOR}"
    return response


@cache
def _packed(path: Path) -> bytes:
    return path.read_bytes()
