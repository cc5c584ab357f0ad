"""`python -m tests.sessions.live.aborting_host`: a session host that really aborts when it opens
the account whose JID is in ABORTS_ON, by a call that the engine's library does not survive."""

from __future__ import annotations

import os

from app.config import load_settings
from app.engine import neonize
from app.sessions import host


class _Aborting(neonize.NeonizeSession):
    def start(self) -> None:
        """Asks for the account of a session that is not open yet: SIGABRT."""
        if self._request.jid == os.environ["ABORTS_ON"]:
            self._client.get_me()
        super().start()


if __name__ == "__main__":
    neonize.NeonizeSession = _Aborting  # type: ignore[misc]
    host.main(load_settings())
