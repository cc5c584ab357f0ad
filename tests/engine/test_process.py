"""What a process with the engine is given, and what it does first."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from app.engine.process import SandboxStateError, engine_environment, sandbox_of
from tests.waiting import wait_for


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A sandbox's state file."""
    path = tmp_path / "sandbox.json"
    path.write_text(
        json.dumps(
            {
                "proxy_url": "http://127.0.0.1:1",
                "control_url": "http://127.0.0.1:2",
                "ca_file": "/tmp/ca.pem",  # noqa: S108 - never opened
                "noise_root": "11" * 32,
                "pid": 1,
            }
        )
    )
    return path


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-c", code]
    env = {**os.environ, **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)


def test_environment_outside_sandbox_mode_only_turns_the_bot_tag_off():
    assert engine_environment() == {"NEONIZE_BOT_TAG": "off"}


def test_environment_in_sandbox_mode_trusts_the_sandboxs_authority(state: Path):
    assert engine_environment(state) == {
        "NEONIZE_BOT_TAG": "off",
        "SANDBOX": "1",
        "SANDBOX_STATE": str(state),
        "SSL_CERT_FILE": "/tmp/ca.pem",  # noqa: S108
    }


def test_sandbox_is_known_from_the_environment(state: Path):
    found = sandbox_of({"SANDBOX": "1", "SANDBOX_STATE": str(state)})
    assert found is not None
    assert (found.proxy_url, found.noise_root) == ("http://127.0.0.1:1", bytes([0x11] * 32))
    assert sandbox_of({"SANDBOX": "0", "SANDBOX_STATE": str(state)}) is None


@pytest.mark.parametrize("text", ["", "{}", '{"noise_root": "xy"}', "[]"])
def test_broken_state_file_is_named(tmp_path: Path, text: str):
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(SandboxStateError, match=r"broken\.json"):
        sandbox_of({"SANDBOX": "1", "SANDBOX_STATE": str(path)})


def test_sandbox_mode_without_a_state_file_is_refused():
    with pytest.raises(SandboxStateError, match="SANDBOX_STATE"):
        sandbox_of({"SANDBOX": "1"})


def test_prepared_process_sends_output_to_the_log_and_errors_where_they_went(tmp_path: Path):
    log = tmp_path / "logs" / "engine.log"
    done = run(
        "import os, sys; from pathlib import Path; from app.engine import process\n"
        f"own = process.prepare_process(Path({str(log)!r}))\n"
        "os.write(1, b'to one\\n'); os.write(2, b'to two\\n'); print('printed', flush=True)\n"
        "own.write('ours\\n'); print('also ours', file=sys.stderr)",
        SANDBOX="0",
    )
    assert (done.stdout, done.stderr.splitlines()) == ("", ["ours", "also ours"])
    assert log.read_text().splitlines() == ["to one", "to two", "printed"]


def test_large_log_of_the_engine_starts_anew(tmp_path: Path):
    log = tmp_path / "engine.log"
    log.write_bytes(b"x" * (5 * 1024 * 1024 + 1))
    done = run(
        "from pathlib import Path; from app.engine import process\n"
        f"process.prepare_process(Path({str(log)!r}))",
        SANDBOX="0",
    )
    assert done.returncode == 0, done.stderr
    assert log.stat().st_size == 0
    assert log.with_name("engine.log.1").stat().st_size > 5 * 1024 * 1024


def test_prepared_process_trusts_the_sandbox_in_sandbox_mode(state: Path, tmp_path: Path):
    done = run(
        "from pathlib import Path; from app.engine import process\n"
        f"process.prepare_process(Path({str(tmp_path / 'engine.log')!r}))\n"
        "from app.sandbox import trust; import sys\n"
        "print(trust._trusted.hex(), file=sys.stderr)",
        **engine_environment(state),
    )
    assert done.stderr.strip() == "11" * 32


def test_prepared_process_may_open_as_many_files_as_the_system_allows(tmp_path: Path):
    done = run(
        "from pathlib import Path; from app.engine import process; import resource, sys\n"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))\n"
        f"process.prepare_process(Path({str(tmp_path / 'engine.log')!r}))\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard), file=sys.stderr)",
        SANDBOX="0",
    )
    assert done.stderr.strip() == "True"


def test_loading_the_engine_leaves_the_root_logger_alone():
    done = run(
        "import logging; logging.getLogger().setLevel(logging.ERROR)\n"
        "from app.engine import library\n"
        "assert not library.is_loaded(); library.load(); assert library.is_loaded()\n"
        "print(logging.getLogger().handlers, logging.getLogger().level)"
    )
    assert done.stdout.strip() == "[] 40", done.stderr


def test_process_dies_with_its_parent():
    child = (
        "from app.engine.process import die_with_parent; import os, time\n"
        "die_with_parent(); print(os.getpid(), flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 5
    wait_for(lambda: _is_gone(pid), timeout=deadline - time.monotonic(), what="the child has ended")


def _is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
