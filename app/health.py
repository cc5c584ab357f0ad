"""Whether the process is up, and whether everything it needs answers."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("health", __name__)


def register(app: Flask) -> None:
    """Adds the health routes to `app`."""
    app.register_blueprint(bp)


@bp.get("/health")
def show_health() -> dict[str, str]:
    """The process is up."""
    return {"status": "ok"}
