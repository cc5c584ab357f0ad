"""`python -m app.supervisor.prepare`: what must be true before the product starts.

A process of its own: the supervisor then stays small, and the migration's memory is given back.
Prints one line of JSON for the supervisor.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, replace

from app import create_app, migrating, translations
from app.config import Settings, load_settings
from app.extensions import db
from app.logging import configure
from app.models import User
from app.services import accounts
from app.supervisor import connections
from app.supervisor.guard import StartRefused
from app.transaction import transaction

DEMO_EMAIL = "demo@example.com"


@dataclass(frozen=True)
class Prepared:
    """What the person at the terminal is told once all is up."""

    setup_token: str | None = None
    demo_email: str | None = None
    demo_password: str | None = None
    notice: str | None = None


def prepare(settings: Settings, *, demo: bool) -> Prepared:
    """Migrates the database and compiles the translations; with `demo` makes the demo account,
    else a setup link while nobody has an account. Raises StartRefused."""
    notice = connections.check(settings)
    translations.compile_stale()
    app = create_app(settings, web=False)
    migrating.migrate(app)
    with app.app_context():
        try:
            return replace(_first_person(settings, demo=demo), notice=notice)
        finally:
            db.engine.dispose()


def _first_person(settings: Settings, *, demo: bool) -> Prepared:
    with transaction():
        if demo:
            return _demo_account(settings)
        return Prepared(accounts.new_setup_link() if accounts.nobody_yet() else None)


def _demo_account(settings: Settings) -> Prepared:
    password = settings.demo_password
    if db.session.query(User).filter_by(email=DEMO_EMAIL).first() is None:
        accounts.create_user(email=DEMO_EMAIL, password=password, name="Demo", administrator=True)
    return Prepared(demo_email=DEMO_EMAIL, demo_password=password)


if __name__ == "__main__":
    _settings = load_settings()
    configure(_settings)
    try:
        print(json.dumps(asdict(prepare(_settings, demo="--demo" in sys.argv))))
    except StartRefused as _refusal:
        print(json.dumps({"refused": str(_refusal)}))
        sys.exit(1)
