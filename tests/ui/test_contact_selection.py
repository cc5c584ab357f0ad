"""Many contacts at once: chosen one by one or all that are found; tagged, exported, deleted."""

from __future__ import annotations

import pytest
from flask import Flask

from app.extensions import db
from app.jobs import contact_tasks as jobs
from app.models import Contact, ContactTask, Instance, User
from app.services import contact_selection, contact_tasks
from tests import factories
from tests.ui.browser import Browser, filled_form, only, soup, words


@pytest.fixture
def path(shop: Instance) -> str:
    """The address of the shop's contacts."""
    return f"/ui/instances/{shop.id}/contacts"


@pytest.fixture
def people(app: Flask, shop: Instance) -> list[str]:
    """The ids of Anna, Boris and Vera."""
    with app.app_context():
        return [factories.contact(shop, name=name).id for name in ("Anna", "Boris", "Vera")]


def tags(app: Flask) -> dict[str, list[str]]:
    with app.app_context():
        return {one.name: one.tags for one in db.session.query(Contact)}


def test_the_chosen_ones_are_tagged_and_untagged(
    app: Flask, bobs: Browser, people: list[str], path: str
) -> None:
    page = bobs.get(f"{path}?source=database")
    boxes = soup(page).select("input[name=contact][form=selection]")
    assert {box["value"] for box in boxes} == set(people)
    place, form = str(only(page, "#selection")["action"]), filled_form(page, "#selection")
    form |= {"act": "tag", "tag": "VIP", "contact": people[:2]}  # type: ignore[dict-item]
    answer = bobs.get(bobs.post(place, form).location)
    assert "Метка «VIP» добавлена. Контактов: 2" in words(answer, "#alerts")
    assert tags(app) == {"Anna": ["VIP"], "Boris": ["VIP"], "Vera": []}
    assert "Anna" in words(bobs.get(f"{path}?source=database&q=vip"), "#contacts")
    bobs.post(place, form | {"act": "untag", "tag": "vip"})
    assert tags(app) == {"Anna": [], "Boris": [], "Vera": []}


def test_all_that_are_found_are_meant_whatever_page_they_are_on(
    app: Flask, bobs: Browser, people: list[str], path: str
) -> None:
    bobs.post(f"{path}/selection", {"act": "tag", "tag": "new", "all": "1", "q": "AN"})
    assert tags(app) == {"Anna": ["new"], "Boris": [], "Vera": []}
    bobs.post(f"{path}/selection", {"act": "tag", "tag": "every", "all": "1"})
    assert [len(one) for one in tags(app).values()] == [2, 1, 1]


def test_more_than_a_request_waits_for_are_changed_in_the_background(
    app: Flask, bobs: Browser, people: list[str], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (contact_selection, contact_tasks):
        monkeypatch.setattr(place, "BATCH", 2)
    begun = bobs.post(f"{path}/selection", {"act": "tag", "tag": "new", "all": "1"})
    page = bobs.get(begun.location)
    assert "Добавляем метку «new»" in words(page, "#task")
    assert (only(page, "#task progress")["value"], only(page, "#task progress")["max"]) == (
        "0",
        "3",
    )
    again = bobs.post(f"{path}/selection", {"act": "untag", "tag": "new", "all": "1"})
    assert "Дождитесь окончания" in words(bobs.get(again.location), "#alerts")
    poll = str(only(page, "#task")["hx-get"])
    with app.app_context():
        task_id = db.session.query(ContactTask).one().id
        assert jobs.do_batch(task_id)
    half = bobs.fragment(poll)
    assert (only(half, "progress")["value"], len(soup(half).select("#cancel-task"))) == ("2", 1)
    with app.app_context():
        jobs.run(task_id)
    done = bobs.fragment(poll)
    assert "Метка «new» добавлена. Контактов: 3" in words(done, "#task-outcome")
    assert done.headers["HX-Trigger-After-Swap"] == "contacts-changed"
    assert set(map(len, tags(app).values())) == {1}


def test_deleting_many_asks_first_and_can_be_cancelled(
    app: Flask, bobs: Browser, people: list[str], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (contact_selection, contact_tasks):
        monkeypatch.setattr(place, "BATCH", 2)
    asked = bobs.post(f"{path}/selection", {"act": "delete", "all": "1"})
    assert "Удалить 3 контакта?" in words(asked, "#delete-many")
    bobs.post(f"{path}/selection", filled_form(asked, "#delete-many"))
    with app.app_context():
        task_id = db.session.query(ContactTask).one().id
        assert jobs.do_batch(task_id)
    over = bobs.act(f"{path}/task/cancel")
    assert "Контактов, изменённых до отмены: 2" in words(over, "#task-outcome")
    with app.app_context():
        jobs.run(task_id)
    assert list(tags(app)) == ["Vera"]


def test_many_are_exported_as_a_stream(
    bobs: Browser, people: list[str], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_selection, "BATCH", 2)
    answer = bobs.post(f"{path}/selection", {"act": "export", "all": "1", "q": ""})
    table = bobs.get(answer.location)
    assert [row.split(";")[0] for row in table.text.splitlines()[1:]] == ["Anna", "Boris", "Vera"]


def test_deleting_asks_once_and_says_how_many(
    app: Flask, bobs: Browser, people: list[str], path: str
) -> None:
    form = {"act": "delete", "contact": people[:2]}
    asked = bobs.post(f"{path}/selection", form)
    assert "Удалить 2 контакта?" in words(asked, "#delete-many")
    assert len(tags(app)) == 3
    typed = filled_form(asked, "#delete-many") | {"contact": people[:2]}  # type: ignore[dict-item]
    answer = bobs.get(bobs.post(f"{path}/selection", typed).location)
    assert "Удалено 2 контакта" in words(answer, "#alerts")
    assert list(tags(app)) == ["Vera"]


def test_the_chosen_ones_are_saved_as_a_table(bobs: Browser, people: list[str], path: str) -> None:
    answer = bobs.post(f"{path}/selection", {"act": "export", "contact": people[1:]})
    assert answer.mimetype == "text/csv"
    assert [row.split(";")[0] for row in answer.text.splitlines()[1:]] == ["Boris", "Vera"]


def test_nothing_chosen_no_tag_and_a_full_contact_change_nothing(
    app: Flask, bobs: Browser, shop: Instance, people: list[str], path: str
) -> None:
    full = [f"tag {number}" for number in range(10)]
    with app.app_context():
        factories.contact(shop, name="Full", tags=full)
    for form, told in (
        ({"act": "tag", "tag": "x"}, "Сначала выберите контакты"),
        ({"act": "tag", "tag": " ", "all": "1"}, "Напишите метку"),
        ({"act": "tag", "tag": "x" * 31, "all": "1"}, "не длиннее 30"),
    ):
        answer = bobs.get(bobs.post(f"{path}/selection", form).location)
        assert told in words(answer, "#alerts")
    bobs.post(f"{path}/selection", {"act": "tag", "tag": "x", "all": "1"})
    assert tags(app)["Full"] == full


def test_what_is_somebody_elses_is_left_alone(
    app: Flask, bobs: Browser, charlie: User, path: str
) -> None:
    with app.app_context():
        foreign = factories.contact(factories.instance(charlie), name="Theirs").id
    bobs.post(f"{path}/selection", {"act": "delete", "sure": "1", "contact": [foreign]})
    assert list(tags(app)) == ["Theirs"]
