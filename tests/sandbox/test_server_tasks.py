"""Connections of the sandbox live as long as their sockets, whatever the garbage collector does."""

from __future__ import annotations

import asyncio
import gc

from app.sandbox.server import _holding


def test_connection_survives_a_collection_after_its_protocol_was_replaced():
    ended: list[bool] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.transport.set_protocol(asyncio.Protocol())  # as the switch to TLS does
            del reader, writer
            await asyncio.Future()  # known to nobody else
        finally:
            ended.append(True)

    async def scene() -> bool:
        server = await asyncio.start_server(_holding(serve), "127.0.0.1", 0)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await asyncio.sleep(0.1)
        gc.collect()
        survived = not ended
        writer.close()
        server.close()
        return survived

    assert asyncio.run(scene())
