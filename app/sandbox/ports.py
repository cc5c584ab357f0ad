"""The ports the sandbox had before: taken again while free, so that engines find it again."""

from __future__ import annotations

import json
import socket
from pathlib import Path

HOST = "127.0.0.1"
ANY = 0


class Ports:
    """Kept in a file of the data folder."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._before: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}

    def free(self, name: str) -> int:
        """Return the port `name` had before if nobody has taken it, else ANY."""
        port = self._before.get(name, ANY)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                return ANY
        return port

    def keep(self, **ports: int) -> None:
        """Remember the ports for the next start."""
        self._file.write_text(json.dumps(ports))
