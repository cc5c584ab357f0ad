from __future__ import annotations

import re
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from app.config import Settings, SettingsError, load_settings

ROOT = Path(__file__).resolve().parent.parent
VARIABLES = {name.upper() for name in Settings.model_fields}


def load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings(_env_file=None)


def example_lines() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    found = [re.fullmatch(r"#([A-Z0-9_]+)=(.*)", line) for line in lines]
    return {match[1]: match[2] for match in found if match}


def documented_rows() -> dict[str, str]:
    text = (ROOT / "docs" / "configuration.md").read_text()
    rows: dict[str, str] = dict(
        re.findall(r"^\| `([A-Z0-9_]+)` \| (?:`([^`]*)`|empty) \|", text, re.M)
    )
    return rows


def default_of(variable: str) -> str:
    value = Settings.model_fields[variable.lower()].default
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value in ("", []) else str(value)


def test_example_file_lists_every_setting_with_its_default() -> None:
    assert example_lines() == {name: default_of(name) for name in VARIABLES}


def test_documentation_lists_every_setting_with_its_default() -> None:
    assert documented_rows() == {name: default_of(name) for name in VARIABLES}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "99999"),
        ("PORT", "many"),
        ("PORT", ""),
        ("WEB_THREADS", "0"),
        ("LOG_LEVEL", "loud"),
        ("DEFAULT_LANGUAGE", "xx"),
        ("DEFAULT_COUNTRY", "Russia"),
        ("SECURE_COOKIES", "perhaps"),
        ("DATABASE_URL", "mysql://root@localhost/db"),
        ("REDIS_URL", "localhost:6379"),
        ("WHATSAPP_PROXY", "proxy.example.com"),
        ("ENCRYPTION_KEYS", "short"),
    ],
)
def test_wrong_value_is_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    with pytest.raises(SettingsError) as error:
        load(monkeypatch, **{variable: value})

    assert str(error.value).startswith(f"{variable}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ENCRYPTION_KEYS", "hunter2"),
        ("DATABASE_URL", "mysql://me:hunter2@localhost/db"),
        ("REDIS_URL", "amqp://:hunter2@localhost"),
        ("WHATSAPP_PROXY", "ftp://me:hunter2@localhost"),
    ],
)
def test_wrong_secret_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    with pytest.raises(SettingsError) as error:
        load(monkeypatch, **{variable: value})

    assert "hunter2" not in str(error.value)


def test_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=8001\nSEND_GAP_MS=200\n")
    monkeypatch.setenv("PORT", "8002")

    settings = load_settings(_env_file=file)

    assert (settings.port, settings.send_gap_ms) == (8002, 200)


def test_several_encryption_keys_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(2)]

    assert load(monkeypatch, ENCRYPTION_KEYS=",".join(keys)).effective_encryption_keys == keys


def test_keys_made_at_the_first_start_are_kept_for_this_user_alone(data_dir: Path) -> None:
    first, second = (load_settings(_env_file=None, data_dir=data_dir) for _ in range(2))

    assert first.effective_secret_key == second.effective_secret_key
    assert first.effective_encryption_keys == second.effective_encryption_keys
    modes = {(data_dir / name).stat().st_mode & 0o777 for name in ("secret.key", "encryption.key")}
    assert modes == {0o600}


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("sqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
    ],
)
def test_database_url_gets_the_driver_we_have(
    monkeypatch: pytest.MonkeyPatch, given: str, used: str
) -> None:
    assert load(monkeypatch, DATABASE_URL=given).sqlalchemy_url == used


def test_redis_socket_stays_short_enough_in_a_deep_folder() -> None:
    deep = Path("/") / "/".join(["folder"] * 30)
    settings = [load_settings(_env_file=None, data_dir=deep / name) for name in ("a", "b", "a")]

    sockets = [one.redis_socket for one in settings]

    assert all(len(str(socket)) <= 100 for socket in sockets)
    assert sockets[0] == sockets[2] != sockets[1]
