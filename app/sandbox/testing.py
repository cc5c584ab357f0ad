"""A sandbox of one's own in a process of its own: for tests, and for trying things."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from app.sandbox.client import SandboxClient

_SECONDS_TO_START = 15.0
_SECONDS_TO_END = 5.0
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a running sandbox tells about itself in its sandbox.json."""

    pid: int
    proxy_url: str
    control_url: str
    ca_file: str
    noise_root: str

    def environment(self) -> dict[str, str]:
        """Return what a process with the engine must find in its environment at exec."""
        return {
            "SANDBOX": "1",
            "SSL_CERT_FILE": self.ca_file,
            "SANDBOX_PROXY_URL": self.proxy_url,
            "SANDBOX_NOISE_ROOT": self.noise_root,
        }


class Sandbox:
    """Runs `python -m app.sandbox`; a context manager, or `start` and `stop` by hand.

    Stopping and starting it again on the same folder continues where it stopped.
    """

    def __init__(self, folder: Path | None = None, port: int = 0) -> None:
        self._own_folder = None if folder else tempfile.TemporaryDirectory(prefix="sandbox-")
        self.folder = folder or Path(self._own_folder.name if self._own_folder else ".")
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._announcement: Announcement | None = None

    @property
    def announcement(self) -> Announcement:
        """What the running sandbox says of itself; raises RuntimeError when it does not run."""
        if self._announcement is None:
            raise RuntimeError("the sandbox is not running")
        return self._announcement

    @property
    def client(self) -> SandboxClient:
        """A client of its control interface."""
        return SandboxClient(self.announcement.control_url)

    @property
    def log_file(self) -> Path:
        """Where it writes its log."""
        return self.folder / "sandbox.log"

    def start(self) -> Announcement:
        """Start it and return when it is ready; raises RuntimeError with its log when it fails."""
        file = self.folder / "sandbox.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "app.sandbox", "--data-dir", str(self.folder)]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own module
                [*command, "--port", str(self._port)],
                cwd=_ROOT,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(_ROOT)},
            )
        self._announcement = self._wait_for(file)
        return self._announcement

    def stop(self) -> int:
        """End it with SIGTERM and return its exit status."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._process = self._announcement = None

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = self._announcement = None

    def _wait_for(self, file: Path) -> Announcement:
        """Return what the new process announces; one that was killed leaves its own behind."""
        deadline = time.monotonic() + _SECONDS_TO_START
        while self._process and self._process.poll() is None and time.monotonic() < deadline:
            if file.exists():
                announcement = Announcement(**json.loads(file.read_text()))
                if announcement.pid == self._process.pid:
                    return announcement
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"the sandbox did not start: {self.log_file.read_text()}")

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if self._own_folder:
            self._own_folder.cleanup()
