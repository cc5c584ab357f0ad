"""An S3-compatible service on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from minio import Minio
from moto.server import ThreadedMotoServer


@contextmanager
def running_bucket() -> Iterator[str]:
    """The address of a service with the bucket "files" (key, secret), until the block ends."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    client_of(f"http://127.0.0.1:{port}").make_bucket("files")
    yield f"http://127.0.0.1:{port}"
    server.stop()


def client_of(address: str) -> Minio:
    """A client of the service at `address`."""
    return Minio(address.removeprefix("http://"), "key", "secret", secure=False)
