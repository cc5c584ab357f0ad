"""Commands for the person who runs the product: `flask --app wsgi COMMAND`."""

from __future__ import annotations

import sys

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select

from app.config import current_settings
from app.core.errors import AppError
from app.extensions import db
from app.models import User
from app.services import accounts
from app.supervisor.readiness import address_of
from app.transaction import transaction

users = AppGroup("users", help="People who may sign in.")


def register(app: Flask) -> None:
    """Adds the commands to `app`."""
    app.cli.add_command(users)
    app.cli.add_command(make_setup_link)


@users.command("create")
@click.option("--email", required=True)
@click.option("--name", default="")
@click.option("--admin", is_flag=True, help="May manage other people.")
def create_user(email: str, name: str, admin: bool) -> None:
    """Make an account. The password is asked for, or read from a pipe."""
    password = _ask_password()
    try:
        with transaction():
            user = accounts.create_user(
                email=email, password=password, name=name, administrator=admin
            )
            created = f"Created {user.email} ({user.role})."
    except AppError as error:
        raise click.ClickException(str(error)) from None
    click.echo(created)


@users.command("list")
def list_users() -> None:
    """Show who has an account."""
    for user in db.session.scalars(select(User).order_by(User.email)):
        note = "" if user.is_active else "  disabled"
        click.echo(f"{user.email:40} {user.role:14} {user.created_at:%Y-%m-%d}{note}")


@click.command("setup-link")
@with_appcontext
def make_setup_link() -> None:
    """Make a new link for the first administrator; earlier ones stop working."""
    if not accounts.nobody_yet():
        raise click.ClickException("There is an account already: use `users create --admin`.")
    with transaction():
        token = accounts.new_setup_link()
    click.echo(f"{address_of(current_settings())}/setup/{token}")


def _ask_password() -> str:
    """Typed unseen and twice at a terminal; the first line where there is none."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
