"""Runs the migrations on the application's database.

The whole upgrade is one transaction, on SQLite too: a migration that fails leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from flask import current_app
from sqlalchemy import Connection

from app.engine.keystore import SCHEMA
from app.extensions import db
from app.models.contact_grams import keep_grams
from app.models.indexes import is_of_index
from app.models.message_text import keep_index

_ENGINE_TABLES = "whatsmeow_"  # the WhatsApp engine makes and migrates its own tables


def is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether a table or index found in the database is one that migrations make."""
    if is_of_index(name):
        return False
    return not (kind == "table" and name is not None and name.startswith(_ENGINE_TABLES))


def render_plain(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Our column types as the plain types beneath them: a migration must not need today's code."""
    if kind != "type" or not isinstance(item, sa.TypeDecorator):
        return False
    if isinstance(item.impl, sa.TypeDecorator):
        return render_plain(kind, item.impl, _context)
    return f"sa.{item.impl!r}"


def shape_revision(_context: Any, _revision: Any, scripts: list[ops.MigrationScript]) -> None:
    """Finishes a generated migration, or drops it when there is nothing to migrate."""
    (script,) = scripts
    assert script.upgrade_ops is not None  # noqa: S101 - one database, one list of changes
    if not script.upgrade_ops.is_empty():
        add_circular_keys_last(script)
    elif getattr(context.config.cmd_opts, "autogenerate", False):
        scripts.clear()


def add_circular_keys_last(script: ops.MigrationScript) -> None:
    """Moves the foreign keys that close a circle of tables behind the creation of the tables."""
    assert script.upgrade_ops is not None and script.downgrade_ops is not None  # noqa: S101
    for table in [op for op in script.upgrade_ops.ops if isinstance(op, ops.CreateTableOp)]:
        for key in [c for c in table.columns if isinstance(c, sa.ForeignKeyConstraint)]:
            if not key.use_alter:
                continue
            table.columns = [column for column in table.columns if column is not key]
            create = ops.CreateForeignKeyOp.from_constraint(key)
            create.kw.pop("use_alter")
            after = ops.ModifyTableOps(table.table_name, [create])
            before = ops.ModifyTableOps(table.table_name, [create.reverse()])
            script.upgrade_ops.ops.append(after)
            script.downgrade_ops.ops.insert(0, before)


@contextmanager
def without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Keeps SQLite from emptying the tables that point at one which a migration rebuilds."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA foreign_keys=OFF")  # only heard outside a transaction
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def check_foreign_keys(connection: Connection) -> None:
    """Raises when a row points at one that is not there; the upgrade is then rolled back."""
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise RuntimeError(f"the migration would leave a dangling row: {tuple(broken)}")


def configure(**where: Any) -> None:
    """Binds Alembic to `where`: a connection, or a URL when only SQL is asked for."""
    context.configure(
        target_metadata=db.metadata,
        transactional_ddl=True,
        include_name=is_ours,
        render_item=render_plain,
        process_revision_directives=shape_revision,
        **current_app.extensions["migrate"].configure_args,
        **where,
    )


def make_engine_schema(connection: Connection) -> None:
    """The place of the engine's tables in PostgreSQL; what is in it is the engine's alone."""
    if connection.dialect.name != "sqlite":
        connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
        connection.commit()


def run_online() -> None:
    """Migrates the database."""
    with db.engine.connect() as connection, without_foreign_keys(connection):
        make_engine_schema(connection)
        configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
            keep_index(connection)
            keep_grams(connection)
            check_foreign_keys(connection)


def run_offline() -> None:
    """Writes the SQL to the terminal instead."""
    configure(url=db.engine.url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
