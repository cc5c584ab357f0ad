"""Files in a bucket of an S3-compatible service, for deployments on more than one machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import certifi
from minio import Minio
from minio.error import MinioException, S3Error
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from app.storage.base import PIECE, Entry, FileMissing, StorageUnreachable
from app.storage.local import LocalDraft, LocalStorage, is_key

_SILENT_SECONDS = 30.0
_CONNECT_SECONDS = 5.0
_GONE = frozenset({"NoSuchKey", "NoSuchObject"})
_NO_SUCH_PART = "InvalidRange"


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where the files are. url: the service's address, the bucket's name and, if it is not to
    itself, a folder in it, as in https://s3.example.com/bucket/folder."""

    url: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str


class S3Storage:
    """See app.storage.base.Storage. Drafts are written to `folder` on this machine and handed over
    when they are kept: a service takes a file whole or not at all. Objects are called as files of
    the local storage are, so that a copy of the one folder is the other."""

    def __init__(self, bucket: Bucket, folder: Path) -> None:
        place = urlsplit(bucket.url)
        self._bucket, _, inner = place.path.strip("/").partition("/")
        self._prefix = f"{inner}/" if inner else ""
        self._drafts = LocalStorage(folder)
        self._client = Minio(
            place.netloc,
            access_key=bucket.access_key,
            secret_key=bucket.secret_key,
            secure=place.scheme == "https",
            region=bucket.region,
            http_client=_connections(),
        )

    def draft(self) -> LocalDraft:
        """A new file to write."""
        return self._drafts.draft(keeper=self._take)

    def open(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes of a file, in pieces."""
        if length == 0:
            return iter(())
        try:
            with _told(key):
                answer = self._client.get_object(
                    self._bucket, self._name(key), offset=start, length=length or 0
                )
        except _NoSuchPart:
            return iter(())
        return _pieces(answer, key)

    def read(self, key: str) -> bytes:
        """The whole file."""
        return b"".join(self.open(key))

    def size(self, key: str) -> int:
        """How many bytes the file has."""
        with _told(key):
            return self._client.stat_object(self._bucket, self._name(key)).size or 0

    def delete(self, key: str) -> None:
        """Removes the file, if it is there."""
        with _told(key):
            self._client.remove_object(self._bucket, self._name(key))

    def entries(self) -> Iterator[Entry]:
        """All files that are stored."""
        with _told(self._bucket):
            for one in self._client.list_objects(self._bucket, self._prefix, recursive=True):
                key = (one.object_name or "").rpartition("/")[2]
                if is_key(key) and one.last_modified is not None:
                    yield Entry(key, one.last_modified)

    def drop_drafts(self, older_than: datetime) -> int:
        """Removes drafts on this machine that nobody has written to since."""
        return self._drafts.drop_drafts(older_than)

    def _take(self, key: str, path: Path) -> None:
        with _told(key):
            self._client.fput_object(
                self._bucket, self._name(key), str(path), num_parallel_uploads=1
            )

    def _name(self, key: str) -> str:
        if not is_key(key):
            raise FileMissing("no key of ours")
        return f"{self._prefix}{key[:2]}/{key}"


class _NoSuchPart(Exception):
    """The file ends before the part that was asked for."""


def _connections() -> PoolManager:
    # The authorities are named: on the test network SSL_CERT_FILE is that network's alone.
    return PoolManager(
        timeout=Timeout(connect=_CONNECT_SECONDS, read=_SILENT_SECONDS),
        maxsize=16,
        cert_reqs="CERT_REQUIRED",
        ca_certs=certifi.where(),
        retries=Retry(total=2, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
    )


@contextmanager
def _told(key: str) -> Iterator[None]:
    """What goes wrong, in the words of a storage."""
    try:
        yield
    except S3Error as error:
        if error.code in _GONE:
            raise FileMissing(key) from None
        if error.code == _NO_SUCH_PART:
            raise _NoSuchPart from None
        raise StorageUnreachable from error
    except (MinioException, HTTPError) as error:
        raise StorageUnreachable from error


def _pieces(answer: BaseHTTPResponse, key: str) -> Iterator[bytes]:
    try:
        with _told(key):
            yield from answer.stream(PIECE)
    finally:
        answer.close()
        answer.release_conn()
