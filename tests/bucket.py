"""An S3-compatible service in this process, with one bucket."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from minio import Minio
from moto.server import ThreadedMotoServer

KEYS = ("key", "secret")
"""What it takes for the access key and the secret key."""


@contextmanager
def running_bucket() -> Iterator[str]:
    """The bucket's address, as MEDIA_S3_URL takes it."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    name = f"files-{secrets.token_hex(4)}"  # all such services of a process know one another's
    Minio(f"127.0.0.1:{port}", *KEYS, secure=False).make_bucket(name)
    yield f"http://127.0.0.1:{port}/{name}"
    server.stop()


def names_in(url: str) -> list[str]:
    """The names of all objects in the bucket."""
    host, bucket = url.removeprefix("http://").split("/")
    found = Minio(host, *KEYS, secure=False).list_objects(bucket, recursive=True)
    return [str(one.object_name) for one in found]
