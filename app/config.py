"""Settings: read from the environment and .env once, checked at start, passed on as one object."""

from __future__ import annotations

import hashlib
import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote, urlsplit

from cryptography.fernet import Fernet
from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

if TYPE_CHECKING:
    from flask import Flask

_SOCKET_PATH_BYTES = 100
_SCHEMES = {
    "database_url": ("sqlite", "postgresql", "postgres"),
    "redis_url": ("redis", "rediss", "unix"),
    "whatsapp_proxy": ("http", "https", "socks5"),
}
_SECRET = {"secret_key", "metrics_token", "encryption_keys", "media_s3_secret_key", *_SCHEMES}


class SettingsError(Exception):
    """A setting has a value the product cannot start with; the text names the variable."""


class Settings(BaseSettings):
    """Every setting; .env.example and docs/configuration.md list the same (held by a test)."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    public_url: str = ""
    data_dir: Path = Path("data")
    database_url: str = ""
    redis_url: str = ""
    secret_key: str = ""
    encryption_keys: Annotated[list[str], NoDecode] = []
    default_language: Literal["ru", "en"] = "ru"
    default_country: str = Field(default="RU", pattern="^[A-Z]{2}$")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "text", "json"] = "auto"
    web_threads: int = Field(default=8, ge=1, le=64)
    pairing_workers: int = Field(default=2, ge=1, le=20)
    job_workers: int = Field(default=1, ge=1, le=20)
    session_hosts: int = Field(default=1, ge=1, le=20)
    sessions_per_host: int = Field(default=50, ge=1, le=200)
    host_memory_mb: int = Field(default=512, ge=0)
    host_reopenings: int = Field(default=200, ge=0)
    whatsapp_proxy: str = ""
    proxy_private_addresses: bool = True
    webhook_private_addresses: bool = False
    webhook_log_days: int = Field(default=30, ge=0, le=3650)
    events_keep_hours: int = Field(default=72, ge=1, le=168)
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    secure_cookies: bool = False
    api_rate_limit: int = Field(default=6000, ge=0)
    cors_origins: Annotated[list[str], NoDecode] = []
    journal_days: int = Field(default=365, ge=0, le=3650)
    metrics_token: str = ""
    max_request_kb: int = Field(default=1024, ge=16)
    max_upload_mb: int = Field(default=100, ge=1, le=2048)
    media_fetch_mb: int = Field(default=100, ge=0)
    media_s3_url: str = ""
    media_s3_access_key: str = ""
    media_s3_secret_key: str = ""
    media_s3_region: str = "us-east-1"
    media_keep_days: int = Field(default=0, ge=0, le=3650)
    media_link_hours: int = Field(default=72, ge=1, le=720)
    profile_pictures: bool = True
    send_gap_ms: int = Field(default=1000, ge=50, le=600_000)
    engine_mending: bool = True
    session_check_seconds: int = Field(default=120, ge=5, le=3600)
    sandbox: bool = False

    @field_validator("encryption_keys", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [one.strip() for one in value.split(",") if one.strip()]

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            parts = urlsplit(origin)
            if origin != "*" and f"{parts.scheme}://{parts.netloc}" != origin:
                raise ValueError("must be origins such as https://shop.example.com, or *")
        return origins

    @field_validator("encryption_keys")
    @classmethod
    def _check_keys(cls, keys: list[str]) -> list[str]:
        for key in keys:
            Fernet(key)
        return keys

    @field_validator("database_url", "redis_url", "whatsapp_proxy")
    @classmethod
    def _check_scheme(cls, url: str, info: ValidationInfo) -> str:
        schemes = _SCHEMES[info.field_name or ""]
        if url and urlsplit(url).scheme not in schemes:
            raise ValueError(f"must begin with {' or '.join(f'{one}://' for one in schemes)}")
        return url

    @field_validator("public_url")
    @classmethod
    def _check_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query):
            raise ValueError("must be an address such as https://whatsapp.example.com")
        return url.rstrip("/")

    @field_validator("media_s3_url")
    @classmethod
    def _check_bucket(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in {"http", "https"} or not parts.path.strip("/")):
            raise ValueError("must name a bucket, such as https://s3.example.com/bucket")
        return url

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @property
    def sqlalchemy_url(self) -> str:
        """The product's database: the given one, or a SQLite file in DATA_DIR."""
        if not self.database_url:
            return f"sqlite:///{self.data_dir / 'manager.db'}"
        return self.database_url.replace("postgresql://", "postgresql+psycopg://", 1).replace(
            "postgres://", "postgresql+psycopg://", 1
        )

    @property
    def uses_postgres(self) -> bool:
        """Whether the database is PostgreSQL; then the sessions' keys are in it too."""
        return self.sqlalchemy_url.startswith("postgresql")

    @property
    def redis_socket(self) -> Path:
        """Where the bundled Redis listens when REDIS_URL is not set.

        A socket's path has at most 107 bytes (unix(7)); a longer one moves to a short folder of
        its own, the same one in every process.
        """
        socket = self.data_dir / "redis.sock"
        if len(os.fsencode(socket)) <= _SOCKET_PATH_BYTES:
            return socket
        mark = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        return Path("/tmp") / f"whatsapp-manager-{os.getuid()}-{mark}" / "redis.sock"  # noqa: S108

    @property
    def redis_location(self) -> str:
        """The URL of Redis: the given one, or the bundled server's socket."""
        return self.redis_url or f"unix://{quote(str(self.redis_socket))}"

    @property
    def key_store_dir(self) -> Path:
        """The folder of the sessions' key files."""
        return self.data_dir / "sessions"

    @property
    def spool_dir(self) -> Path:
        """The folder of the sessions' spools of received events."""
        return self.data_dir / "spool"

    @property
    def public_address(self) -> str:
        """How others reach this server, without a slash at the end: as PUBLIC_URL says, else as
        programs on this machine do."""
        return self.public_url or f"http://127.0.0.1:{self.port}"

    @property
    def media_dir(self) -> Path:
        """The folder of the files in messages."""
        return self.data_dir / "media"

    @property
    def sandbox_dir(self) -> Path:
        """The test network's own folder."""
        return self.data_dir / "sandbox"

    @property
    def sandbox_state(self) -> Path:
        """Where the test network, once it listens, says how to reach and to trust it."""
        return self.sandbox_dir / "sandbox.json"

    @property
    def demo_password(self) -> str:
        """The demo account's password, made at the first demo and kept in DATA_DIR (0600)."""
        return _kept(self.data_dir / "demo.password", secrets.token_urlsafe(9))

    @cached_property
    def effective_secret_key(self) -> str:
        """SECRET_KEY, or one made at first start and kept in DATA_DIR (0600)."""
        return self.secret_key or _kept(self.data_dir / "secret.key", secrets.token_urlsafe(48))

    @cached_property
    def effective_encryption_keys(self) -> list[str]:
        """ENCRYPTION_KEYS, or one made at first start and kept in DATA_DIR (0600)."""
        if self.encryption_keys:
            return self.encryption_keys
        return [_kept(self.data_dir / "encryption.key", Fernet.generate_key().decode())]


def load_settings(**overrides: object) -> Settings:
    """The checked settings. Raises SettingsError with one line that names the variable."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError(_in_words(error.errors()[0])) from None


def settings_of(app: Flask) -> Settings:
    """The settings `app` was built with."""
    settings: Settings = app.config["SETTINGS"]
    return settings


def current_settings() -> Settings:
    """The settings of the application at work."""
    from flask import current_app  # the supervisor reads settings too, and has no use for Flask

    return settings_of(current_app)


def _in_words(problem: ErrorDetails) -> str:
    """One line: the variable, what is wrong, and what it said unless that is a secret."""
    name = str(problem["loc"][0])
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    message = message[:1].lower() + message[1:]
    given = "" if name in _SECRET else f" (it is {problem['input']!r})"
    return f"{name.upper()}: {message}{given}"


def _kept(path: Path, fresh: str) -> str:
    """The content of `path`; when there is none yet, `fresh`, kept for the next start."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        file.write(fresh)
    return fresh
