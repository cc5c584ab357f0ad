"""What an application compiles when it is built and first asked, compiled once for a whole run.

Nearly every test has an application of its own. Without this, three quarters of the time of a test
of pages goes into the compilation of the same routes and templates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

_Builder = Callable[..., tuple[str, str]]


class _InMemory(BytecodeCache):
    """Templates by name and checksum of their source, so that a changed one is compiled anew."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if (code := self._known.get((bucket.key, bucket.checksum))) is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


def share_compiled() -> None:
    """Lets every application of this process use what another one has compiled."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _InMemory()}
    compile_builder, known = Rule._compile_builder, dict[Any, _Builder]()

    def remembered(rule: Rule, append_unknown: bool = True) -> _Builder:
        defaults = tuple(sorted((rule.defaults or {}).items()))
        key = rule.rule, rule.subdomain, rule.host, defaults, rule.merge_slashes, append_unknown
        if key not in known:
            known[key] = compile_builder(rule, append_unknown)
        return known[key]

    Rule._compile_builder = remembered  # type: ignore[method-assign]
