from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask.ctx import AppContext
from flask_migrate import check, downgrade
from sqlalchemy import inspect

from app import migrating
from app.extensions import db
from tests import factories


def test_migrations_make_the_tables_of_the_models(app_context: AppContext) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, db.metadata) == []


def test_downgrade_removes_every_table(app: Flask, app_context: AppContext) -> None:
    migrating.bind(app)
    downgrade(revision="base")

    assert inspect(db.engine).get_table_names() == ["alembic_version"]


def test_migrations_leave_the_engines_tables_alone(app: Flask, app_context: AppContext) -> None:
    migrating.bind(app)
    with db.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE whatsmeow_device (jid TEXT)")

    check()  # exits when a migration would be written, such as one that drops the table


def test_instance_and_its_account_can_point_at_each_other(app_context: AppContext) -> None:
    instance = factories.instance(factories.user())
    account = factories.linked_account(instance)

    assert account.instance_id == instance.id
    db.session.refresh(instance)
    assert instance.account is not None
    assert instance.account.id == account.id
