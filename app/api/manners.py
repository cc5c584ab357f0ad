"""HTTP manners that every operation has: the next page as a link, what is unchanged, compression,
limits, other origins."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import time
from urllib.parse import urlencode

from flask import Flask, Response, current_app, g, request
from redis.exceptions import RedisError

from app import bell
from app.api.blueprint import bp
from app.config import current_settings
from app.core.errors import RateLimited

WINDOW = 60
"""Seconds in which requests are counted."""
SMALLEST = 1200
"""Bytes of an answer that is worth compressing."""
_NEXT = re.compile(rb'"next(Cursor|Before)": ?("(?:[^"\\]|\\.)*")')
_JSON = frozenset({"application/json", "application/problem+json"})
_TOLD = "ETag, Link, Location, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, "
_TOLD += "X-Request-Id"
_TAKEN = "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-API-Key"


def register(app: Flask) -> None:
    """Adds to `app` what concerns answers that no operation gave, too."""
    app.before_request(_answer_preflight)
    app.after_request(_open_to_origins)


def count(who: str) -> None:
    """Counts this request of `who`. Raises RateLimited for one too many within a minute. While
    Redis is away nobody is counted."""
    limit = current_settings().api_rate_limit
    if not limit:
        return
    now = time.time()
    window = int(now // WINDOW)
    try:
        with bell.redis().pipeline(transaction=False) as pipeline:
            key = f"rate:{who}:{window}"
            pipeline.incr(key)
            pipeline.expire(key, 2 * WINDOW)
            made = int(pipeline.execute()[0])
    except RedisError:
        return
    left = int((window + 1) * WINDOW - now) + 1
    g.rate = limit, max(limit - made, 0), left
    if made > limit:
        raise RateLimited(left)


@bp.before_request
def tell_methods() -> Response | None:
    """Answers OPTIONS with the methods of exactly this address: /contacts/check is no contact."""
    if request.method != "OPTIONS" or request.url_rule is None:
        return None
    rules = current_app.url_map.iter_rules()
    same = [rule for rule in rules if rule.rule == request.url_rule.rule]
    response = Response(status=200)
    response.allow.update(method for rule in same for method in rule.methods or ())
    return response


@bp.after_request
def add_manners(response: Response) -> Response:
    """What follows from the answer itself."""
    if rate := g.get("rate"):
        for name, value in zip(("Limit", "Remaining", "Reset"), rate, strict=True):
            response.headers[f"RateLimit-{name}"] = str(value)
    if response.mimetype not in _JSON or response.is_streamed or response.direct_passthrough:
        return response
    if request.method in {"GET", "HEAD"} and response.status_code == 200:
        _link_next(response)
        content = response.get_data()
        response.set_etag(hashlib.sha256(content).hexdigest()[:32], weak=True)
        response.make_conditional(request)
    return _compressed(response)


def _link_next(response: Response) -> None:
    found = _NEXT.search(response.get_data())
    if found is None:
        return
    name = "cursor" if found[1] == b"Cursor" else "before"
    query = [(key, value) for key, value in request.args.items(multi=True) if key != name]
    query.append((name, json.loads(found[2])))
    response.headers["Link"] = f'<{request.path}?{urlencode(query)}>; rel="next"'


def _compressed(response: Response) -> Response:
    response.vary.add("Accept-Encoding")
    wanted = request.accept_encodings.quality("gzip") > 0 and response.status_code != 304
    if wanted and len(response.get_data()) >= SMALLEST:
        response.set_data(gzip.compress(response.get_data(), compresslevel=5, mtime=0))
        response.content_encoding = "gzip"
    return response


def _answer_preflight() -> Response | None:
    """A browser asks, before a page of another origin may call."""
    asked = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if not asked or not _is_open():
        return None
    response = Response(status=204)
    response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE"
    response.headers["Access-Control-Allow-Headers"] = _TAKEN
    response.headers["Access-Control-Max-Age"] = "600"
    return response


def _open_to_origins(response: Response) -> Response:
    """Lets pages of the origins in CORS_ORIGINS read the answer. Without credentials: a cookie
    counts for nothing there, a key has to be sent."""
    if request.path.startswith("/api/") and current_settings().cors_origins:
        response.vary.add("Origin")
        if _is_open():
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers["Access-Control-Expose-Headers"] = _TOLD
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _is_open() -> bool:
    allowed, origin = current_settings().cors_origins, request.headers.get("Origin")
    return bool(origin) and request.path.startswith("/api/") and bool({origin, "*"} & set(allowed))
