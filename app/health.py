"""Whether the process is up, and whether everything it needs answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog
from flask import Blueprint, Flask
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from app import bell
from app.clock import utcnow
from app.extensions import db
from app.models import Host

log = structlog.get_logger(__name__)
bp = Blueprint("health", __name__)

HOST_SEEN_WITHIN = timedelta(seconds=15)
_OK, _FAILED = "ok", "failed"


def register(app: Flask) -> None:
    """Adds the health routes to `app`."""
    app.register_blueprint(bp)


@bp.get("/health")
def show_health() -> dict[str, str]:
    """The process is up."""
    return {"status": _OK}


@bp.get("/health/ready")
def show_readiness() -> tuple[dict[str, object], int]:
    """200 when all that the product needs answers, else 503; `checks` says which does not."""
    checks = {name: _OK if check() else _FAILED for name, check in _CHECKS.items()}
    ready = set(checks.values()) == {_OK}
    return {"status": _OK if ready else _FAILED, "checks": checks}, 200 if ready else 503


def _database_answers() -> bool:
    try:
        db.session.execute(select(1))
    except SQLAlchemyError as error:
        log.warning("health.database_failed", error=str(error))
        return False
    return True


def _redis_answers() -> bool:
    try:
        return bool(bell.redis().ping())
    except RedisError as error:
        log.warning("health.redis_failed", error=str(error))
        return False


def _session_host_lives() -> bool:
    seen = select(func.count()).where(Host.seen_at > utcnow() - HOST_SEEN_WITHIN)
    try:
        return bool(db.session.scalar(seen))
    except SQLAlchemyError:
        return False  # the check of the database has told why


_CHECKS: dict[str, Callable[[], bool]] = {
    "database": _database_answers,
    "redis": _redis_answers,
    "session_host": _session_host_lives,
}
