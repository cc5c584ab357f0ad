"""Connections of the sandbox live as long as their sockets, whatever the garbage collector does."""

from __future__ import annotations

import asyncio
import gc
import weakref

from app.sandbox.server import _holding


class _Reader:
    """Stands for a connection's reader; unlike a real one it holds nothing."""


def test_connection_survives_a_collection_when_nobody_else_holds_it():
    async def scene() -> tuple[bool, bool]:
        held: list[weakref.ref[asyncio.Future[None]]] = []
        ended = asyncio.Event()

        async def serve(reader: object, writer: object) -> None:
            # As after the switch to TLS: what the task waits for is known to nobody but the task.
            waiting: asyncio.Future[None] = asyncio.Future()
            held.append(weakref.ref(waiting))
            try:
                await waiting
            finally:
                ended.set()

        start = _holding(serve)  # held by the listening server
        start(_Reader(), _Reader())  # type: ignore[arg-type]
        await asyncio.sleep(0)
        gc.collect()
        waiting = held[0]()
        survived = waiting is not None
        if waiting is not None:
            waiting.set_result(None)
        await asyncio.wait_for(ended.wait(), 1)
        return survived, ended.is_set()

    assert asyncio.run(scene()) == (True, True)
