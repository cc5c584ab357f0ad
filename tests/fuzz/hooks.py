"""Loaded by schemathesis: requests that may wait are not to wait for long."""

from __future__ import annotations

from typing import Any

import schemathesis

WAITS = ("wait", "timeout")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Cuts waits short."""
    for name in WAITS:
        if isinstance((case.query or {}).get(name), int) and case.query[name] > 1:
            case.query[name] = 1
