"""A program: runs the encoder whose path it is given on what stands on its input.

Decoders are written in C and are given what strangers made. So they run here, in a process that
holds nothing but the file: run by its path, for it is to load none of the product. Before it looks
at its input it gives up what it could do harm with: it cannot open a file or a connection any more,
nor take much memory or time.

An encoder is a module with `rehearse()`, which has its libraries load all of themselves, and
`encode(source)`, which returns what is told of the result, for JSON, and its bytes. The answer is a
line of JSON and the bytes; or nothing, and the status says why: that of the encoder's exception
where it has one, else UNREADABLE.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import resource
import sys
from types import ModuleType

UNREADABLE = 3
CPU_SECONDS = 60
MEMORY = 1024 * 1024 * 1024


def encoder_at(path: str) -> ModuleType:
    """The module of this file, loaded by itself."""
    spec = importlib.util.spec_from_file_location("encoder", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    encoder = importlib.util.module_from_spec(spec)
    sys.modules["encoder"] = encoder
    spec.loader.exec_module(encoder)
    return encoder


def lock_up() -> None:
    """Gives up files, connections, memory and time, for good."""
    limits = {
        resource.RLIMIT_NOFILE: 3,  # those that are open stay so, and there is no other
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_CORE: 0,
    }
    for what, limit in limits.items():
        hard = resource.getrlimit(what)[1]
        least = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        with contextlib.suppress(ValueError, OSError):  # a system that does not know this one
            resource.setrlimit(what, (least, least))


def main() -> None:
    """Turns what is on standard input into what the encoder makes of it, on standard output."""
    os.nice(5)  # pages are answered first
    encoder = encoder_at(sys.argv[1])
    encoder.rehearse()
    lock_up()
    try:
        told, content = encoder.encode(sys.stdin.buffer)
    except Exception as error:  # whatever the bytes of strangers bring about
        sys.stderr.write(repr(error))
        sys.exit(getattr(error, "status", UNREADABLE))
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + content)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
