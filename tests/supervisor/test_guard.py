from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from app.config import Settings
from app.supervisor.guard import StartRefused, check_port, sole_owner


def test_second_owner_of_a_folder_is_refused_with_the_first_ones_process(data_dir: Path) -> None:
    with sole_owner(data_dir), pytest.raises(StartRefused) as refusal, sole_owner(data_dir):
        pass

    assert str(refusal.value).startswith("DATA_DIR: ")
    assert "process " in str(refusal.value)


def test_folder_is_free_again_after_its_owner(data_dir: Path) -> None:
    for _ in range(2):
        with sole_owner(data_dir):
            pass


def test_owner_that_was_killed_is_known_to_the_next(data_dir: Path) -> None:
    with sole_owner(data_dir) as was_killed:
        assert not was_killed
    with pytest.raises(StartRefused), sole_owner(data_dir) as was_killed:
        assert not was_killed
        raise StartRefused("for another reason")
    (data_dir / "lock").write_text("4711")
    with sole_owner(data_dir) as was_killed:
        assert was_killed


def test_folder_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(StartRefused, match=r"^DATA_DIR: "), sole_owner(Path("/proc/nothing")):
        pass


def test_port_in_use_is_refused_with_its_name(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(StartRefused, match=rf"^PORT: {port} is in use"):
            check_port(settings.model_copy(update={"port": port}))


def test_port_that_becomes_free_is_waited_for(settings: Settings) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    threading.Timer(0.3, taken.close).start()

    check_port(settings.model_copy(update={"port": port}), patience=20)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_host_that_is_not_this_machine_is_refused(settings: Settings, host: str) -> None:
    with pytest.raises(StartRefused, match=r"^HOST: "):
        check_port(settings.model_copy(update={"host": host}))
