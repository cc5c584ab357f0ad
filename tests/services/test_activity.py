"""The journal: written, filtered, read page by page."""

from __future__ import annotations

import pytest

from app import bell, topics
from app.core.journal import PREFIXES, SENTENCES, Group, group_of
from app.models.user import BY_KEY
from app.services import activity
from app.transaction import transaction
from tests import factories
from tests.queries import selects


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


def test_every_kind_with_a_sentence_about_an_instance_has_a_group():
    about_none = {kind for kind in SENTENCES if group_of(kind) is None}
    assert about_none == {"user:account:created"}


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
