"""The engine's protobuf messages, without the engine.

Importing any module of neonize loads its Go library, which a process that forks or only translates
events must not do. The generated modules hold their descriptors as one bytes literal: it is read
from the source file into a pool of our own.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_ROOT = "Neonize.proto"


@cache
def message_class(name: str) -> Any:
    """Returns the class of the message `name`, e.g. "neonize.Receipt". Raises KeyError."""
    return GetMessageClass(_pool().FindMessageTypeByName(name))


@cache
def _pool() -> DescriptorPool:
    pool = DescriptorPool()
    _add(pool, _ROOT, set())
    return pool


def _add(pool: DescriptorPool, name: str, added: set[str]) -> None:
    """Adds a file after those it imports."""
    if name in added:
        return
    added.add(name)
    serialized = _serialized(_folder() / f"{name.removesuffix('.proto')}_pb2.py")
    for dependency in FileDescriptorProto.FromString(serialized).dependency:
        _add(pool, dependency, added)
    pool.AddSerializedFile(serialized)


def _folder() -> Path:
    spec = PathFinder.find_spec("neonize")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("neonize is not installed")
    return Path(next(iter(spec.submodule_search_locations))) / "proto"


def _serialized(module: Path) -> bytes:
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "AddSerializedFile":
            value = ast.literal_eval(node.args[0])
            if isinstance(value, bytes):
                return value
    raise ImportError(f"{module} holds no descriptor")
