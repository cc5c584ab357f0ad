from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis

from app import redis_server
from app.config import Settings
from app.supervisor.process import spawn
from tests.waiting import wait_for


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    process = spawn(redis_server.spec(settings))
    try:
        wait_for(lambda: redis_server.answers(settings), what="Redis answers")
        yield process
    finally:
        process.terminate()
        process.wait(10)


def on(data_dir: Path) -> Settings:
    return Settings(_env_file=None, data_dir=data_dir)


def test_redis_keeps_its_data_over_a_restart(data_dir: Path) -> None:
    settings = on(data_dir)
    for expected in (None, b"kept"):
        with running(settings), Redis.from_url(settings.redis_location) as client:
            assert client.get("key") == expected
            client.set("key", "kept")


def test_redis_keeps_its_data_when_killed(data_dir: Path) -> None:
    settings = on(data_dir)
    with running(settings) as process, Redis.from_url(settings.redis_location) as client:
        client.set("key", "kept")
        process.kill()  # what was written to the file is the kernel's: only a power cut loses it

    with running(settings), Redis.from_url(settings.redis_location) as client:
        assert client.get("key") == b"kept"


def test_redis_listens_on_its_socket_alone(data_dir: Path) -> None:
    settings = on(data_dir)
    with running(settings) as process:
        listening = psutil.Process(process.pid).net_connections("inet")
        mode = settings.redis_socket.stat().st_mode & 0o777

    assert listening == []
    assert mode == 0o700


def test_redis_answers_in_a_folder_deeper_than_a_socket_path_may_be(data_dir: Path) -> None:
    settings = on(data_dir / ("deep" * 20) / ("deeper" * 10))
    with running(settings):
        assert settings.redis_socket.parent.stat().st_mode & 0o777 == 0o700
    settings.redis_socket.parent.rmdir()


def test_socket_folder_of_somebody_else_is_refused(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = on(data_dir)
    monkeypatch.setattr(os, "getuid", lambda: 12345)

    with pytest.raises(redis_server.RedisUnavailable, match="belongs to somebody else"):
        redis_server.spec(settings)


def test_missing_redis_names_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(redis_server, "_bundled_binary", lambda: None)

    with pytest.raises(redis_server.RedisUnavailable, match="install the package redis-server"):
        redis_server.find_binary()


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
def test_server_on_path_comes_before_the_bundled_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    program = tmp_path / name
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert redis_server.find_binary() == program


def test_product_runs_on_a_valkey_of_the_machine(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "valkey-server").symlink_to(redis_server.find_binary())
    monkeypatch.setenv("PATH", str(tmp_path))

    assert redis_server.spec(on(data_dir)).argv[0] == str(tmp_path / "valkey-server")
    with running(on(data_dir)) as process:
        assert process.poll() is None


def test_server_at_redis_url_is_asked(data_dir: Path, redis_server_url: str) -> None:
    elsewhere = Settings(_env_file=None, data_dir=data_dir, redis_url=redis_server_url)
    assert redis_server.answers(elsewhere)
    nobody = elsewhere.model_copy(update={"redis_url": f"unix://{data_dir}/nobody.sock"})
    assert not redis_server.answers(nobody)
