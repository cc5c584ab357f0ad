from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask.ctx import AppContext
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import inspect, select

from app import migrating
from app.extensions import db
from app.models import Activity, Instance
from app.models.indexes import is_of_index
from app.services import activity
from app.transaction import transaction
from tests import factories


def test_migrations_make_the_tables_of_the_models(app_context: AppContext) -> None:
    with db.engine.connect() as connection:
        options = {"compare_type": True, "include_name": lambda name, *_: not is_of_index(name)}
        context = MigrationContext.configure(connection, opts=options)

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


def test_people_and_what_is_theirs_outlive_the_table_that_is_rebuilt(
    app: Flask, app_context: AppContext
) -> None:
    migrating.bind(app)
    instance = factories.instance(factories.user())
    downgrade(revision="0002")
    upgrade()

    assert db.session.get_one(Instance, instance.id).owner_id == instance.owner_id


def test_lines_of_former_versions_stand_in_the_journals_of_their_owners(
    app: Flask, app_context: AppContext
) -> None:
    migrating.bind(app)
    owner, actor = factories.user(), factories.user()
    instance = factories.instance(owner)
    with transaction():
        activity.record("instance:state:changed", instance=instance)
        activity.record("user:api_key:rotated", actor=actor)
    downgrade(revision="0051")
    upgrade()

    assert set(db.session.execute(select(Activity.kind, Activity.owner_id))) == {
        ("instance:state:changed", owner.id),
        ("user:api_key:rotated", actor.id),
    }
