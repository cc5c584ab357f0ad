"""The whole product as processes, started the way a person starts it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psutil

from app.supervisor.roles import ROLES
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parent.parent
_READY_WITHIN = 60.0  # seconds; a machine that runs tests is busy


class Product:
    """A running product: its address, what it printed, its processes."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, output: Path):
        self.process = process
        self.port = port
        self._output = output

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """What it wrote to the terminal so far, logs included."""
        return self._output.read_text()

    @property
    def setup_path(self) -> str:
        """The path of the one-time link for the first administrator."""
        found = re.search(r"(/setup/\S+)", self.output)
        assert found, self.output
        return found[1]

    def processes(self, *words: str) -> list[psutil.Process]:
        """Its processes whose command line has all of `words`, or those of one role."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if set(words) <= {*process.cmdline(), role_of(process)}:
                    found.append(process)
        return found

    def is_ready(self) -> bool:
        """Whether GET /health/ready says so."""
        return self.get("/health/ready")[0] == 200

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of the answer; 0 while nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ends it as a person would; returns the exit status."""
        self.process.send_signal(number)
        return self.process.wait(15)


@contextlib.contextmanager
def running_product(data_dir: Path, *arguments: str, **environment: str) -> Iterator[Product]:
    """The product on `data_dir` and a free port, from the moment it says that it is ready."""
    port = free_port()
    output = data_dir / "output.txt"
    with (
        output.open("wb") as file,
        start(data_dir, port, file, *arguments, **environment) as process,
    ):
        product = Product(process, port, output)
        try:
            wait_for(lambda: _announced(product), _READY_WITHIN, "the product is ready")
            yield product
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            process.wait(15)


def start(
    data_dir: Path,
    port: int,
    output: IO[bytes] | int,
    *arguments: str,
    module: str = "app.supervisor",
    **environment: str,
) -> subprocess.Popen[bytes]:
    """The supervisor's process, its logs and its prints in `output`."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(data_dir), "PORT": str(port), **environment},
        stdout=output,
        stderr=subprocess.STDOUT,
    )


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def role_of(process: psutil.Process) -> str:
    """Which role of worker.py it is, or belongs to; "worker" for their supervisor, "" for others.
    Raises psutil.NoSuchProcess."""
    command = process.cmdline()
    if len(command) < 2 or not command[1].endswith("worker.py"):
        return ""
    if len(command) > 2:
        return command[2]
    name = process.name().partition("-")[0]  # a fork has its supervisor's command line
    return name if name in ROLES else "worker"


def checks_of(product: Product) -> dict[str, str]:
    """What GET /health/ready says of each thing it looked at."""
    checks: dict[str, str] = json.loads(product.get("/health/ready")[1])["checks"]
    return checks


def _announced(product: Product) -> bool:
    assert product.process.poll() is None, product.output
    return "WhatsApp API Manager:" in product.output
