"""Contacts and their import over the API."""

from __future__ import annotations

import io

import pytest

from app.config import current_settings
from app.extensions import db
from app.jobs import contact_tasks, imports
from app.models import Message
from app.services import contact_imports
from app.storage import storage_of
from app.transaction import transaction
from tests import factories


@pytest.fixture
def path(linked):
    """The address of the contacts of a linked instance."""
    return f"/api/instances/{linked.id}/contacts"


def refusal(answer):
    return answer.status_code, answer.get_json(force=True)["code"]


def test_whatsapps_contacts_are_listed_searched_and_paged(app, api, linked, path):
    with app.app_context():
        factories.whatsapp_contact(
            linked.account,
            phone="79161234567",
            lid="8000",
            book_name="Мария",
            business_name="Цветы",
        )
        factories.whatsapp_contact(linked.account, phone=None, lid="8001", push_name="Anna")
    first = api.get(f"{path}?limit=1").get_json()
    rest = api.get(f"{path}?limit=1&cursor={first['nextCursor']}").get_json()
    assert [one["name"] for one in first["items"] + rest["items"]] == ["Anna", "Мария"]
    assert rest["nextCursor"] is None
    (found,) = api.get(path, query_string={"search": "8 916 123"}).get_json()["items"]
    assert (found["phone"], found["isBusiness"], found["chatId"]) == (
        "79161234567",
        True,
        "79161234567@s.whatsapp.net",
    )
    (hidden,) = api.get(f"{path}?search=ANNA").get_json()["items"]
    assert (hidden["phone"], hidden["chatId"]) == (None, "8001@lid")


def test_a_contact_is_added_shown_changed_and_deleted(api, path):
    made = api.post(path, json={"phone": "8 916 123-45-67", "name": "Maria"})
    contact = made.get_json()
    assert (made.status_code, contact["phone"], contact["savedName"]) == (
        201,
        "79161234567",
        "Maria",
    )
    place = f"{path}/{contact['id']}"
    assert api.get(place).get_json() == contact
    changed = api.put(place, json={"phone": "+79261234567", "name": ""}).get_json()
    assert changed["name"] == "+7 926 123-45-67"
    noted = {"phone": "+79261234567", "name": "", "tags": ["VIP"], "note": "Tulips"}
    assert api.put(place, json=noted).get_json()["tags"] == ["VIP"]
    kept = api.put(place, json={"phone": "+79261234567", "name": ""}).get_json()
    assert (kept["tags"], kept["note"]) == (["VIP"], "Tulips")
    listed = api.get(f"{path}?source=database").get_json()["items"]
    assert [one["id"] for one in listed] == [contact["id"]]
    assert api.delete(place).status_code == 204
    assert refusal(api.get(place)) == (404, "contact_not_found")


def test_a_number_that_is_there_is_refused_or_updated_on_demand(api, path):
    first = api.post(path, json={"phone": "+79161234567", "name": "Maria"}).get_json()
    again = {"phone": "89161234567", "name": "Masha"}
    assert refusal(api.post(path, json=again)) == (409, "contact_exists")
    updated = api.post(path, json=again | {"update": True}).get_json()
    assert (updated["id"], updated["name"]) == (first["id"], "Masha")


def test_what_is_wrong_is_told_by_field(api, path):
    answer = api.post(path, json={"phone": "call me", "name": "Maria"})
    assert (answer.status_code, answer.get_json(force=True)["field"]) == (422, "phone")
    assert refusal(api.get(f"{path}?cursor=!")) == (422, "bad_cursor")
    assert refusal(api.get(f"{path}?source=moon")) == (422, "validation_failed")


def test_an_import_is_started_watched_and_over(app, api, linked, path):
    with app.app_context():
        for _ in range(3):
            factories.whatsapp_contact(linked.account)
    started = api.post(f"{path}/imports")
    job = started.get_json()
    assert started.status_code == 202
    assert api.post(f"{path}/imports").get_json()["id"] == job["id"]
    with app.app_context():
        go_on_without_the_host(job["id"])
        imports.run(job["id"])
    done = api.get(f"{path}/imports/{job['id']}").get_json()
    assert (done["state"], done["total"], done["imported"], done["added"]) == ("done", 3, 3, 3)
    assert refusal(api.post(f"{path}/imports/{job['id']}/cancel")) == (409, "not_running")


def test_an_import_is_cancelled(api, path):
    job = api.post(f"{path}/imports").get_json()
    over = api.post(f"{path}/imports/{job['id']}/cancel").get_json()
    assert (over["state"], over["imported"]) == ("cancelled", 0)
    assert refusal(api.get(f"{path}/imports/imp_NOTHING")) == (404, "import_not_found")


def go_on_without_the_host(import_id: str) -> None:
    """The session's host did not answer in time: the sweep goes on without it."""
    with transaction():
        contact_imports.take_up(import_id)


def bring(api, path, content, name="clients.csv", **form):
    """A file sent as a form."""
    data = {"file": (io.BytesIO(content), name), **form}
    return api.post(f"{path}/imports", data=data, content_type="multipart/form-data")


def test_a_file_is_imported_and_its_refused_rows_are_named(app, api, path):
    started = bring(api, path, b"name;phone\nMaria;8 916 123-45-67\nOleg;call me\n")
    job = started.get_json()
    assert (started.status_code, job["state"], job["fileName"]) == (202, "reading", "clients.csv")
    assert refusal(bring(api, path, b"79161234567\n")) == (409, "import_running")
    with app.app_context():
        imports.run(job["id"])
        assert len(list(storage_of(current_settings()).entries())) == 0
    done = api.get(f"{path}/imports/{job['id']}").get_json()
    assert (done["state"], done["total"], done["added"], done["refused"]) == ("done", 2, 1, 1)
    (row,) = done["refusedRows"]
    assert (row["row"], row["code"], row["name"]) == (3, "bad_phone", "Oleg")


def test_a_file_is_read_as_the_form_says(app, api, path):
    content = "79161234567,Мария,79160000000\n".encode("windows-1251")
    answer = bring(api, path, content, phoneColumn="3", nameColumn="2", head="false")
    with app.app_context():
        imports.run(answer.get_json()["id"])
    (one,) = api.get(f"{path}?source=database").get_json()["items"]
    assert (one["phone"], one["savedName"]) == ("79160000000", "Мария")


def test_what_is_wrong_with_a_file_is_told_and_nothing_is_kept(app, api, path):
    assert refusal(bring(api, path, b"a;b\nc;d\n")) == (422, "column_missing")
    assert refusal(bring(api, path, b"\x89PNG\r\n\x1a\n" + b"\0" * 99)) == (422, "no_table")
    assert refusal(bring(api, path, b"")) == (422, "file_empty")
    assert refusal(bring(api, path, b"7", encoding="klingon"))[0] == 422
    with app.app_context():
        assert len(list(storage_of(current_settings()).entries())) == 0


def test_everything_known_of_a_contact_is_erased_once_the_number_is_said_again(
    app, api, linked, path
):
    contact = api.post(path, json={"phone": "8 916 123-45-67", "name": "Maria"}).get_json()
    with app.app_context():
        factories.message(factories.chat(linked.account, phone="79161234567"))
    place = f"{path}/{contact['id']}/erase"
    assert refusal(api.post(place, json={"phone": "+79160000000"})) == (422, "number_differs")
    assert api.post(place, json={"phone": "+7 916 123-45-67"}).status_code == 204
    assert refusal(api.get(f"{path}/{contact['id']}")) == (404, "contact_not_found")
    with app.app_context():
        assert db.session.query(Message).count() == 0


def test_duplicates_are_listed_and_merged(app, api, linked, path):
    with app.app_context():
        one, other = (factories.contact(linked, name="Anna", tags=[tag]).id for tag in "ab")
    (group,) = api.get(f"{path}/duplicates").get_json()["items"]
    assert (group["reason"], [it["id"] for it in group["contacts"]]) == ("same_name", [one, other])
    former = group["contacts"][1]
    body = {"contactIds": [one, other], "keep": one}
    merged = api.post(f"{path}/merge", json=body).get_json()
    assert (merged["tags"], [it["phone"] for it in merged["otherNumbers"]]) == (
        ["a", "b"],
        [former["phone"]],
    )
    assert api.post(f"{path}/merge", json=body | {"name": "Other"}).get_json() == merged
    assert api.get(f"{path}/{other}").get_json() == merged
    assert refusal(api.delete(f"{path}/{other}")) == (404, "contact_not_found")
    assert api.get(f"{path}/duplicates").get_json() == {"items": [], "nextCursor": None}
    assert refusal(api.post(f"{path}/merge", json={"contactIds": [one], "keep": one})) == (
        422,
        "too_few_contacts",
    )
    facts = {"phone": merged["phone"], "name": "Anna", "drop": [other]}
    assert api.put(f"{path}/{one}", json=facts).get_json()["otherNumbers"] == []


def test_many_contacts_are_changed_in_the_background(app, api, linked, path):
    with app.app_context():
        for name in ("Anna", "Anton", "Boris"):
            factories.contact(linked, name=name)
    started = api.post(f"{path}/tasks", json={"act": "tag", "tag": "VIP", "search": "an"})
    task = started.get_json()
    assert (started.status_code, task["state"], task["total"]) == (202, "running", 2)
    busy = api.post(f"{path}/tasks", json={"act": "delete"})
    assert refusal(busy) == (409, "task_running")
    with app.app_context():
        contact_tasks.run(task["id"])
    done = api.get(f"{path}/tasks/{task['id']}").get_json()
    assert (done["state"], done["seen"], done["changed"]) == ("done", 2, 2)
    assert refusal(api.post(f"{path}/tasks/{task['id']}/cancel")) == (409, "not_running")
    assert refusal(api.post(f"{path}/tasks", json={"act": "tag"})) == (422, "tag_missing")
