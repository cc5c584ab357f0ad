"""The journal: written, filtered, read page by page."""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

import app
from app import bell, topics
from app.clock import utcnow
from app.core.journal import PREFIXES, SENTENCES, STATE_CHANGED, Group, group_of
from app.extensions import db
from app.jobs import accounts as account_jobs
from app.models import Activity, User
from app.models.user import BY_KEY
from app.services import accounts, activity, deletions, people, sign_ins
from app.transaction import transaction
from tests import factories
from tests.queries import plan_of, selects

APP = Path(app.__file__).parent


def write(instance, *kinds, actor=None):
    for number, kind in enumerate(kinds):
        with transaction():
            activity.record(kind, instance=instance, actor=actor, number=number)


def numbers(lines):
    return [line.detail["number"] for line in lines]


def test_a_line_remembers_who_did_it_and_by_which_way(instance, bob):
    write(instance, "webhook:endpoint:saved", actor=bob)
    bob.came_by = BY_KEY
    write(instance, "webhook:endpoint:saved", actor=bob)
    by_program, in_person = activity.latest(instance)
    assert (by_program.user.name, by_program.via) == ("Bob", "key")
    assert (in_person.user.name, in_person.via) == ("Bob", None)


def test_a_line_moves_the_counter_of_its_journal(instance):
    before = bell.version(topics.journal(instance.id))
    write(instance, "instance:phone:linked")
    assert bell.version(topics.journal(instance.id)) != before


def test_pages_follow_each_other_without_a_gap_or_a_repetition(instance):
    write(instance, *["message:test:done"] * 7)
    seen, cursor = [], None
    for _ in range(3):
        page = activity.page_of(instance, limit=3, behind=cursor)
        seen += numbers(page.lines)
        cursor = page.next
    assert seen == [6, 5, 4, 3, 2, 1, 0]
    assert cursor is None


def test_a_page_that_ends_exactly_with_the_journal_has_no_next(instance):
    write(instance, *["message:test:done"] * 3)
    assert activity.page_of(instance, limit=3).next is None


@pytest.mark.parametrize("group", [group for group in Group if group is not Group.PEOPLE])
def test_a_group_shows_its_own_lines_alone(instance, group):
    write(instance, *[prefixes[0] + "x" for prefixes in PREFIXES.values()])
    (line,) = activity.page_of(instance, group=group).lines
    assert group_of(line.kind) is group


def test_people_shows_what_anybody_did(instance, bob):
    write(instance, "instance:state:changed")
    write(instance, "instance:state:changed", "webhook:endpoint:saved", actor=bob)
    lines = activity.page_of(instance, group=Group.PEOPLE).lines
    assert [line.user_id for line in lines] == [bob.id, bob.id]


def test_every_kind_with_a_sentence_has_a_group():
    assert {kind for kind in SENTENCES if group_of(kind) is None} == set()


def test_every_kind_that_is_written_has_a_sentence():
    source = "\n".join(path.read_text() for path in APP.rglob("*.py"))
    kinds = set(re.findall(r'"((?:user|instance|webhook|message|contacts):\w+:\w+)"', source))
    assert len(kinds) > 40
    assert kinds - SENTENCES.keys() == {STATE_CHANGED}


def test_a_search_goes_through_lines_that_do_not_fit(instance, monkeypatch):
    monkeypatch.setattr(activity, "BATCH", 2)
    write(instance, *["message:test:done"] * 9)
    page = activity.page_of(instance, fits=lambda line: line.detail["number"] % 4 == 0, limit=2)
    assert numbers(page.lines) == [8, 4]
    rest = activity.page_of(
        instance, fits=lambda line: line.detail["number"] % 4 == 0, limit=2, behind=page.next
    )
    assert (numbers(rest.lines), rest.next) == ([0], None)


def test_a_search_stops_after_so_many_lines_and_can_go_on(instance, monkeypatch):
    monkeypatch.setattr(activity, "BATCH", 2)
    monkeypatch.setattr(activity, "SEARCHED", 4)
    write(instance, *["message:test:done"] * 6)
    page = activity.page_of(instance, fits=lambda line: line.detail["number"] == 0)
    assert (page.lines, page.next) != ([], None)
    rest = activity.page_of(
        instance, fits=lambda line: line.detail["number"] == 0, behind=page.next
    )
    assert numbers(rest.lines) == [0]


def test_since_gives_the_line_and_all_newer_ones(instance):
    write(instance, *["message:test:done"] * 4)
    third = activity.latest(instance)[2]
    assert numbers(activity.since(instance, third.id, group=None, limit=10)) == [3, 2, 1]


def test_a_cursor_of_another_instance_opens_nothing(instance, linked):
    write(linked, "message:test:done")
    write(instance, "message:test:done")
    foreign = activity.latest(linked)[0]
    lines = activity.page_of(instance, behind=foreign.id).lines
    assert {line.instance_id for line in lines} == {instance.id}


def test_a_page_with_its_people_is_one_query(instance, bob):
    write(instance, *["message:test:done"] * 20, actor=bob)
    assert instance.id  # read anew after the commits
    with selects() as asked:
        assert {line.user.name for line in activity.page_of(instance).lines} == {"Bob"}
    assert len(asked) == 1


def test_deleting_a_person_leaves_the_line(instance):
    person = factories.user()
    write(instance, "webhook:endpoint:saved", actor=person)
    with transaction() as session:
        session.delete(session.merge(person))
    (line,) = activity.latest(instance)
    assert line.user is None


def kinds_of(whose):
    return [line.kind for line in activity.latest(whose)]


def test_a_persons_journal_tells_of_the_account_and_of_all_instances(instance, linked, bob):
    write(instance, "webhook:endpoint:saved")
    write(linked, "instance:phone:linked")
    with transaction():
        sign_ins.begin(bob, remember=True, address="192.0.2.7", agent="Mozilla Firefox Windows")
    lines = activity.page_of(bob).lines
    assert [line.kind for line in lines] == [
        "user:sign_in:begun",
        "instance:phone:linked",
        "webhook:endpoint:saved",
    ]
    assert [line.instance.name for line in lines[1:]] == ["Linked", "Shop"]
    assert (lines[0].address, lines[0].detail) == ("192.0.2.7", {"device": "Firefox, Windows"})


def test_a_persons_journal_tells_nothing_of_others(instance, bob, charlie):
    write(factories.instance(charlie), "webhook:endpoint:saved")
    assert kinds_of(bob) == []


def test_a_page_of_a_persons_journal_is_one_query(instance, bob):
    write(instance, *["message:test:done"] * 20, actor=bob)
    assert bob.id
    with selects() as asked:
        lines = activity.page_of(bob).lines
        assert {(line.user.name, line.instance.name) for line in lines} == {("Bob", "Shop")}
    assert len(asked) == 1


@pytest.mark.plan_of_sqlite
def test_a_persons_journal_walks_its_index(instance, bob):
    plan = plan_of(lambda: activity.page_of(bob), "FROM activity")
    assert "ix_activity_owner_time" in plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan


def test_a_line_says_from_where(instance, bob):
    bob.came_from = "2001:db8::1"
    write(instance, "webhook:endpoint:saved", actor=bob)
    assert activity.latest(instance)[0].address == "2001:db8::1"


def test_what_an_administrator_does_stands_in_both_journals(app_context, alice, bob):
    with transaction() as session:
        people.disable(session.get_one(User, bob.id), actor=alice, stop_instances=False)
    for whose in (alice, bob):
        assert kinds_of(whose) == ["user:account:disabled"]
        assert activity.page_of(whose).lines[0].user_id == alice.id


def test_a_deleted_instance_leaves_a_line_in_its_owners_journal(instance, bob):
    write(instance, "webhook:endpoint:saved")
    with transaction() as session:
        deletions.delete(session.merge(instance), actor=bob)
    assert kinds_of(bob) == ["instance:settings:deleted"]


def test_a_wrong_password_is_noted_once_a_minute_of_each_address(app_context, bob):
    for address in ("192.0.2.7", "192.0.2.7", "192.0.2.8"):
        account_jobs.note_failed_sign_in("bob@example.com", address)
    account_jobs.note_failed_sign_in("nobody@example.com", "192.0.2.7")
    lines = activity.page_of(bob).lines
    assert [(line.kind, line.address) for line in lines] == [
        ("user:sign_in:failed", "192.0.2.8"),
        ("user:sign_in:failed", "192.0.2.7"),
    ]
    assert db.session.scalars(select(Activity.owner_id)).all() == [bob.id] * 2


def test_signing_out_everywhere_is_one_line(app_context, bob):
    with transaction() as session:
        accounts.sign_out_everywhere(session.get_one(User, bob.id), keep=None)
    assert kinds_of(bob) == ["user:sign_in:all_ended"]


def test_lines_that_are_old_are_forgotten_and_no_others(instance, monkeypatch):
    monkeypatch.setattr(activity, "FORGOTTEN", 2)
    write(instance, *["message:test:done"] * 6)
    old = utcnow() - timedelta(days=366)
    lines = activity.latest(instance)
    moved = Activity.__table__.update().where(Activity.id.in_([line.id for line in lines[1:]]))
    with transaction() as session:
        session.execute(moved.values(created_at=old))
    account_jobs.clear_journal()
    assert [line.id for line in activity.latest(instance)] == [lines[0].id]


def test_a_line_can_be_neither_changed_nor_removed(instance):
    write(instance, "message:test:done")
    for spoil in (lambda line: setattr(line, "kind", "x"), db.session.delete):
        (line,) = activity.latest(instance)
        with pytest.raises(RuntimeError, match="written once"), transaction() as session:
            spoil(session.get_one(Activity, line.id))
    assert kinds_of(instance) == ["message:test:done"]


def test_nothing_but_the_retention_and_the_erasing_of_a_person_removes_lines():
    found = {
        str(path.relative_to(APP))
        for path in APP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) in {"delete", "update"}
        and any(getattr(one, "id", getattr(one, "attr", "")) == "Activity" for one in node.args)
    }
    assert found == {"services/activity.py", "services/erasures.py"}
