"""Where files are kept: one interface, whatever stands behind it. Keys are ours; no name that
somebody gave a file ever becomes part of a path."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from app.config import Settings
from app.storage.base import Draft, Entry, FileMissing, Storage, StorageUnreachable
from app.storage.local import LocalStorage

__all__ = ["Draft", "Entry", "FileMissing", "Storage", "StorageUnreachable", "storage_of"]


def storage_of(settings: Settings) -> Storage:
    """The storage that these settings name: a bucket, or a folder in DATA_DIR."""
    if not settings.media_s3_url:
        return LocalStorage(settings.media_dir)
    place = settings.media_s3_access_key, settings.media_s3_secret_key, settings.media_s3_region
    return _in_bucket(settings.media_s3_url, *place, settings.media_dir)


@lru_cache(maxsize=4)
def _in_bucket(url: str, access_key: str, secret_key: str, region: str, folder: Path) -> Storage:
    """One for the process: its connections are kept."""
    from app.storage.s3 import Bucket, S3Storage  # who has a folder does without the library

    return S3Storage(Bucket(url, access_key, secret_key, region), folder)
