"""`python -m app.supervisor.web`: the web server, gunicorn with one process and threads.

The application is loaded before gunicorn forks: a worker that died is back at once, and shares
its memory with the parent. Nothing of the application starts a thread or opens a connection
before it is used, so nothing of it is lost in the fork.
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.base import Worker

from app import create_app, schema, waiting
from app.config import Settings, load_settings
from app.logging import configure
from app.supervisor.readiness import netloc

_GRACE = 5  # seconds for running requests when the server is to end
_SILENT = 60  # seconds after which a worker that does not stir is replaced


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with the product's settings instead of a file of its own."""

    def __init__(self, app: Flask, settings: Settings):
        self._app = app
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Tells gunicorn the settings."""
        settings: dict[str, Any] = {
            "bind": [netloc(self._settings.host, self._settings.port)],
            "worker_class": "gthread",
            "workers": 1,
            "threads": self._settings.web_threads,
            "graceful_timeout": _GRACE,
            "timeout": _SILENT,
            "loglevel": "warning",
            "accesslog": None,
            "post_worker_init": _let_go_at_its_end,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application."""
        return self._app


def _let_go_at_its_end(worker: Worker) -> None:
    """Has requests that wait end along with the worker, so that nobody waits for them."""
    waiting.end_with(lambda: not worker.alive)


def main() -> None:
    """Serves until SIGTERM, as soon as the database is current."""
    settings = load_settings()
    configure(settings)
    app = create_app(settings)
    schema.wait_until_current(settings)
    Server(app, settings).run()


if __name__ == "__main__":
    main()
