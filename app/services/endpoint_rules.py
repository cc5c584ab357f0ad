"""What a webhook endpoint may look like. Errors name the field as the API calls it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from app.core.addresses import Reach, reach_of
from app.core.errors import Invalid
from app.core.events import Subscription
from app.core.signing import SECRET_PREFIX
from app.core.texts import N_

URL_LENGTH = 2000
SECRET_MIN, SECRET_MAX = 8, 200
STANDARD_MIN, STANDARD_MAX = 24, 64
"""Bytes of a whsec_ secret, by the Standard Webhooks specification."""
HEADERS_MAX, HEADER_NAME_LENGTH, HEADER_VALUE_LENGTH = 20, 100, 2000
MAX_RETRIES = 20
RETRY_INTERVAL_MS = range(1000, 21_600_000 + 1)
TIMEOUT_MS = range(1000, 30_000 + 1)

OWN_HEADERS = frozenset(
    {
        # what we say ourselves
        "accept-encoding",
        "content-type",
        "user-agent",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
        "x-webhook-former-signature",
        "x-webhook-signature",
        # what belongs to the connection
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
_VISIBLE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")


def checked_url(url: str) -> str:
    """`url` without surrounding blanks. Raises Invalid (webhookUrl)."""
    url = url.strip()
    if len(url) > URL_LENGTH:
        message = N_("The address may have at most %(count)d characters.")
        raise Invalid(message, field="webhookUrl", code="url_too_long", count=URL_LENGTH)
    parts = _split(url)
    if parts is None or parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        message = N_("Write a full web address, like https://example.com/webhook.")
        raise Invalid(message, field="webhookUrl", code="bad_url")
    if "@" in parts.netloc:
        message = N_("Put the user name and the password into a header, not into the address.")
        raise Invalid(message, field="webhookUrl", code="url_with_password")
    if _is_never(parts.hostname):
        message = N_("Webhooks are never sent to this address.")
        raise Invalid(message, field="webhookUrl", code="address_refused")
    return url


def checked_secret(secret: str) -> str:
    """`secret` itself. Raises Invalid (webhookSecret)."""
    if not SECRET_MIN <= len(secret) <= SECRET_MAX or not _VISIBLE.fullmatch(secret):
        message = N_("The secret needs %(low)d to %(high)d Latin letters, digits or signs.")
        raise Invalid(
            message, field="webhookSecret", code="bad_secret", low=SECRET_MIN, high=SECRET_MAX
        )
    if secret.startswith(SECRET_PREFIX) and not _is_standard(secret):
        message = N_("A secret that starts with whsec_ goes on with 24 to 64 bytes in base64.")
        raise Invalid(message, field="webhookSecret", code="bad_standard_secret")
    return secret


def checked_headers(headers: dict[str, str]) -> dict[str, str]:
    """`headers` with trimmed values. Raises Invalid (headers)."""
    if len(headers) > HEADERS_MAX:
        message = N_("There may be at most %(count)d headers.")
        raise Invalid(message, field="headers", code="too_many_headers", count=HEADERS_MAX)
    seen: set[str] = set()
    for name, value in headers.items():
        _check_header(name, value.strip(), seen)
        seen.add(name.lower())
    return {name: value.strip() for name, value in headers.items()}


def checked_events(events: Iterable[str]) -> list[str]:
    """`events` once each, in the order of Subscription. Raises Invalid (events)."""
    wanted = set(events)
    unknown = wanted - set(Subscription)
    if unknown:
        message = N_("There is no event %(name)s.")
        raise Invalid(message, field="events", code="unknown_event", name=min(unknown))
    return [choice.value for choice in Subscription if choice in wanted]


def check_retries(max_retries: int, retry_interval_ms: int) -> None:
    """Nothing. Raises Invalid (maxRetries, retryInterval)."""
    if not 0 <= max_retries <= MAX_RETRIES:
        message = N_("Choose 0 to %(high)d retries.")
        raise Invalid(message, field="maxRetries", code="bad_max_retries", high=MAX_RETRIES)
    _check_milliseconds(
        retry_interval_ms, RETRY_INTERVAL_MS, field="retryInterval", code="bad_retry_interval"
    )


def check_limits(retry_interval_ms: int, max_interval_ms: int, timeout_ms: int) -> None:
    """Nothing. Raises Invalid (maxRetryInterval, timeout)."""
    longest = range(retry_interval_ms, RETRY_INTERVAL_MS.stop)
    field, code = "maxRetryInterval", "bad_max_retry_interval"
    _check_milliseconds(max_interval_ms, longest, field=field, code=code)
    _check_milliseconds(timeout_ms, TIMEOUT_MS, field="timeout", code="bad_timeout")


def _check_milliseconds(value: int, allowed: range, *, field: str, code: str) -> None:
    if value not in allowed:
        message = N_("Choose %(low)d to %(high)d milliseconds.")
        raise Invalid(message, field=field, code=code, low=allowed.start, high=allowed.stop - 1)


def place_of(url: str) -> str:
    """What two addresses have in common that lead to the same receiver."""
    parts = urlsplit(url.strip())
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    port = parts.port or {"http": 80, "https": 443}.get(scheme)
    query = f"?{parts.query}" if parts.query else ""
    return f"{scheme}://{host}:{port}{parts.path or '/'}{query}"


def _split(url: str) -> SplitResult | None:
    """The parts of `url`; None where it cannot be an address at all."""
    if any(character.isspace() or not character.isprintable() for character in url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that is no port
        (parts.hostname or "").encode("idna")
    except ValueError:
        return None
    return parts


def _is_never(host: str) -> bool:
    """Whether `host` is written as an address that no deployment may allow. What a name leads
    to is judged when it is dialled."""
    try:
        return reach_of(host) is Reach.NEVER
    except ValueError:
        return False


def _is_standard(secret: str) -> bool:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        return False
    return STANDARD_MIN <= len(key) <= STANDARD_MAX


def _check_header(name: str, value: str, seen: set[str]) -> None:
    if len(name) > HEADER_NAME_LENGTH or not _TOKEN.fullmatch(name):
        message = N_("“%(name)s” cannot be the name of a header.")
        raise Invalid(message, field="headers", code="bad_header_name", name=name[:100])
    lowered = name.lower()
    if lowered in OWN_HEADERS or lowered.startswith("proxy-"):
        message = N_("The header %(name)s is set by WhatsApp API Manager itself.")
        raise Invalid(message, field="headers", code="reserved_header", name=name)
    if lowered in seen:
        message = N_("The header %(name)s stands there twice.")
        raise Invalid(message, field="headers", code="repeated_header", name=name)
    if len(value) > HEADER_VALUE_LENGTH or (value and not _VISIBLE.fullmatch(value)):
        message = N_("The value of the header %(name)s has characters that headers cannot carry.")
        raise Invalid(message, field="headers", code="bad_header_value", name=name)
