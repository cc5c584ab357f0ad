from __future__ import annotations

from alembic.script import ScriptDirectory
from flask import Flask

from app import schema
from app.config import Settings
from app.factory import ROOT
from app.models import User
from app.services import accounts
from app.supervisor.prepare import DEMO_EMAIL, prepare


def test_prepare_migrates_an_empty_database(settings: Settings, empty_database: None) -> None:
    assert not schema.is_current(settings)
    prepare(settings, demo=False)
    assert schema.is_current(settings)


def test_prepare_gives_a_setup_link_while_nobody_has_an_account(
    app: Flask, settings: Settings
) -> None:
    token = prepare(settings, demo=False).setup_token

    assert token is not None
    with app.app_context():
        accounts.check_setup_link(token)


def test_prepare_gives_no_setup_link_once_somebody_has_an_account(
    settings: Settings, bob: User
) -> None:
    assert prepare(settings, demo=False).setup_token is None


def test_demo_account_can_sign_in_at_every_start(app: Flask, settings: Settings) -> None:
    passwords = {prepare(settings, demo=True).demo_password for _ in range(2)}

    assert len(passwords) == 1
    with app.app_context():
        assert accounts.by_password(DEMO_EMAIL, str(passwords.pop())).is_administrator


def test_demo_password_is_readable_by_this_user_alone(settings: Settings, database: None) -> None:
    prepare(settings, demo=True)

    assert (settings.data_dir / "demo.password").stat().st_mode & 0o777 == 0o600


def test_newest_revision_is_the_head_of_the_migrations() -> None:
    assert schema.newest_revision() == ScriptDirectory(ROOT / "migrations").get_current_head()
