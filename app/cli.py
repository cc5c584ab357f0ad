"""Commands for the person who runs the product: `flask --app wsgi COMMAND`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext

from app.config import current_settings
from app.core.errors import AppError
from app.models.user import ADMINISTRATOR, ROLES, USER
from app.services import accounts, invitations, password_resets, people, recounting
from app.supervisor.readiness import address_of
from app.transaction import transaction
from app.webhook_listener import listener

users = AppGroup("users", help="People who may sign in.")
webhooks = AppGroup("webhooks", help="For those who receive webhooks.")
stats = AppGroup("stats", help="What the page of statistics counts.")
_limit = click.option("--limit", type=int, help="Instances they may have; without it, any number.")


def register(app: Flask) -> None:
    """Adds the commands to `app`."""
    app.cli.add_command(users)
    app.cli.add_command(webhooks)
    app.cli.add_command(stats)
    app.cli.add_command(make_setup_link)


@users.command("create")
@click.option("--email", required=True)
@click.option("--name", default="")
@click.option("--admin", is_flag=True, help="May manage other people.")
@_limit
def create_user(email: str, name: str, admin: bool, limit: int | None) -> None:
    """Make an account. The password is asked for, or read from a pipe."""
    password = _ask_password()
    with _refusals_in_words(), transaction():
        user = accounts.create_user(
            email=email,
            password=password,
            name=name,
            administrator=admin,
            instance_limit=people.checked_limit(limit),
        )
        created = f"Created {user.email} ({user.role})."
    click.echo(created)


@users.command("invite")
@click.option("--email", default="", help="Whom it is for; they may write another.")
@click.option("--admin", is_flag=True, help="May manage other people.")
@click.option("--days", default=invitations.DEFAULT_DAYS, show_default=True)
@_limit
def invite(email: str, admin: bool, days: int, limit: int | None) -> None:
    """Make a link with which somebody makes an account, once. Nothing is sent."""
    role = ADMINISTRATOR if admin else USER
    with _refusals_in_words(), transaction():
        row = invitations.create(
            actor=None, email=email, role=role, instance_limit=limit, days=days
        )
        token = row.token_encrypted
    click.echo(_link(f"/invite/{token}"))


@users.command("list")
def list_users() -> None:
    """Show who has an account."""
    page, more = people.page_of(after=None, limit=1000)
    for user, instances in ((one.user, one.instances) for one in page):
        limit = "" if user.instance_limit is None else f" of {user.instance_limit}"
        note = "" if user.is_active else "  disabled"
        click.echo(
            f"{user.email:40} {user.role:14} {user.created_at:%Y-%m-%d}  "
            f"instances: {instances}{limit}{note}"
        )
    if more:
        click.echo("... and more: GET /api/users lists all.")


@users.command("disable")
@click.argument("email")
@click.option("--stop-instances", is_flag=True, help="Else they go on running.")
def disable(email: str, stop_instances: bool) -> None:
    """Shut somebody out at once: browsers, keys and tokens."""
    with _refusals_in_words(), transaction():
        people.disable(people.by_email(email), actor=None, stop_instances=stop_instances)
    click.echo("Disabled.")


@users.command("enable")
@click.argument("email")
def enable(email: str) -> None:
    """Let somebody in again. Instances that were stopped stay so."""
    with _refusals_in_words(), transaction():
        people.enable(people.by_email(email), actor=None)
    click.echo("Enabled.")


@users.command("role")
@click.argument("email")
@click.argument("role", type=click.Choice(ROLES))
def change_role(email: str, role: str) -> None:
    """Make somebody an administrator, or no longer one."""
    with _refusals_in_words(), transaction():
        people.change_role(people.by_email(email), role, actor=None)
    click.echo(f"Now {role}.")


@users.command("limit")
@click.argument("email")
@click.argument("limit")
def change_limit(email: str, limit: str) -> None:
    """How many instances somebody may have: a number, or "none" for any number."""
    if limit != "none" and not limit.isdigit():
        raise click.ClickException('Write a number, or "none".')
    with _refusals_in_words(), transaction():
        people.change_limit(
            people.by_email(email), None if limit == "none" else int(limit), actor=None
        )
    click.echo(f"Limit: {limit}.")


@users.command("reset-link")
@click.argument("email")
def make_reset_link(email: str) -> None:
    """Make a link for a new password, once, for 24 hours. Nothing is sent."""
    with _refusals_in_words(), transaction():
        token, _ = password_resets.create(people.by_email(email), actor=None)
    click.echo(_link(f"/reset/{token}"))


@users.command("delete")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(email: str, yes: bool) -> None:
    """Delete somebody with all their instances, chats and messages."""
    with _refusals_in_words():
        lost = people.belongings_of(people.by_email(email))
    if not yes:
        what = f"{lost.instances} instances, {lost.chats} chats, {lost.messages} messages"
        click.confirm(f"{email}: {what} will be lost. Delete?", abort=True)
    with _refusals_in_words(), transaction():
        people.delete(people.by_email(email), actor=None)
    click.echo("Deleted.")


@webhooks.command("listen")
@click.option("--secret", envvar="WEBHOOK_SECRET", default="", help="To check signatures with.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=9000, show_default=True)
@click.option("--status", default=200, show_default=True, help="What to answer.")
def listen(secret: str, host: str, port: int, status: int) -> None:
    """Print and check every webhook that comes. Ctrl-C ends it."""
    server = listener(host, port, secret, status, click.echo)
    click.echo(f"Listening at http://{host}:{server.server_address[1]}/")
    with server, suppress(KeyboardInterrupt):
        server.serve_forever()


@stats.command("rebuild")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
def rebuild_statistics(dry_run: bool) -> None:
    """Count anew from messages and webhook tries, instance by instance.

    While one is counted nothing else can be written. What was erased since is not counted any more;
    calls to the API, deleted instances and what is older than the log of webhooks stay as they are.
    """
    changed = 0
    for subject in recounting.subjects():
        with suppress(_Undone), transaction():
            differences = recounting.recount(subject).differences
            changed += bool(differences)
            if differences:
                told = ", ".join(f"{name} {by:+d}" for name, by in differences.items())
                click.echo(f"{subject.instance_id or subject.owner_id}: {told}")
            if dry_run:
                raise _Undone
    click.echo(f"{'Would change' if dry_run else 'Changed'}: {changed}")


class _Undone(Exception):
    """Rolls back what was only to be looked at."""


@click.command("setup-link")
@with_appcontext
def make_setup_link() -> None:
    """Make a new link for the first administrator; earlier ones stop working."""
    if not accounts.nobody_yet():
        raise click.ClickException("There is an account already: use `users create --admin`.")
    with transaction():
        token = accounts.new_setup_link()
    click.echo(_link(f"/setup/{token}"))


def _link(path: str) -> str:
    return address_of(current_settings()) + path


@contextmanager
def _refusals_in_words() -> Iterator[None]:
    """What the services refuse ends the command with one line."""
    try:
        yield
    except AppError as error:
        raise click.ClickException(str(error)) from None


def _ask_password() -> str:
    """Typed unseen and twice at a terminal; the first line where there is none."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
