"""The journal's page: in words, filtered, page by page, live."""

from __future__ import annotations

import pytest
from flask import Flask

from app import bell
from app.models import Instance, User
from app.models.user import BY_KEY
from app.services import activity
from app.transaction import transaction
from tests.factories import PASSWORD
from tests.ui.browser import Browser, only, soup, words


def write(app: Flask, instance: Instance, *kinds: str, actor: User | None = None) -> None:
    with app.app_context():
        for kind in kinds:
            with transaction() as session:
                row = session.get_one(Instance, instance.id)
                activity.record(kind, instance=row, actor=actor, phone="79161234567", count=1)


def lines(browser: Browser, path: str) -> list[str]:
    return [
        " ".join(line.get_text(" ").split())
        for line in soup(browser.get(path)).select("#journal li")
    ]


@pytest.fixture
def journal(shop: Instance) -> str:
    """The address of the shop's journal."""
    return f"/ui/instances/{shop.id}/journal"


def test_a_line_says_what_happened_who_did_it_and_when(
    app: Flask, bobs: Browser, bob: User, shop: Instance, journal: str
) -> None:
    write(app, shop, "instance:phone:linked")
    write(app, shop, "webhook:endpoint:saved", actor=bob)
    bob.came_by = BY_KEY
    write(app, shop, "message:queue:cancelled", actor=bob)
    by_program, in_person, by_itself = lines(bobs, journal)
    assert "Bob, через API" in by_program
    assert "Вебхук изменён Bob" in in_person
    assert "Подключён телефон +7 916 123-45-67 Система" in by_itself
    assert only(bobs.get(journal), "li:first-child time")["datetime"].startswith("20")


@pytest.mark.parametrize(
    ("kind", "language", "sentence"),
    [
        ("call:voice:received", "ru", "Звонок: Анна, +7 916 123-45-67"),
        ("call:video:rejected", "ru", "Видеозвонок отклонён: Анна, +7 916 123-45-67"),
        ("call:group:rejected", "en", "Group call from Анна, +7 916 123-45-67, rejected"),
    ],
)
def test_calls_stand_among_the_messages_with_who_called(
    app: Flask, bobs: Browser, shop: Instance, journal: str, kind: str, language: str, sentence: str
) -> None:
    with app.app_context(), transaction() as session:
        row = session.get_one(Instance, shop.id)
        activity.record(kind, instance=row, caller="Анна, +7 916 123-45-67")
    bobs.headers["Accept-Language"] = language
    [line] = lines(bobs, f"{journal}?group=messages")
    assert sentence in line


def test_the_journal_is_filtered_by_kind_and_by_what_it_says(
    app: Flask, bobs: Browser, shop: Instance, journal: str
) -> None:
    write(app, shop, "instance:phone:linked", "webhook:endpoint:saved", "webhook:endpoint:deleted")
    assert len(lines(bobs, f"{journal}?group=webhooks")) == 2
    assert len(lines(bobs, f"{journal}?q=ТЕЛЕФОН")) == 1
    assert len(lines(bobs, f"{journal}?group=webhooks&q=телефон")) == 0
    assert "Ничего не подходит" in words(bobs.get(f"{journal}?q=nothing"), "#journal")


def test_older_lines_have_pages_that_do_not_poll(
    app: Flask, bobs: Browser, shop: Instance, journal: str
) -> None:
    write(app, shop, *["webhook:endpoint:saved"] * 55)
    first = bobs.get(journal)
    older = str(only(first, "#journal a[rel=next]")["href"])
    assert len(lines(bobs, older)) == 5
    assert "hx-get" not in only(bobs.get(older), "#journal").attrs


def test_a_poll_brings_what_is_new_and_keeps_what_stood_there(
    app: Flask, bobs: Browser, shop: Instance, journal: str
) -> None:
    write(app, shop, *["webhook:endpoint:saved"] * 52)
    page = bobs.get(journal)
    stood = [str(line["id"]) for line in soup(page).select("#journal li")]
    poll = str(only(page, "#journal")["hx-get"])
    assert bobs.fragment(poll).status_code == 204
    write(app, shop, "webhook:endpoint:deleted")
    answer = bobs.fragment(poll)
    now = [str(line["id"]) for line in soup(answer).select("#journal li")]
    assert now[1:] == stood
    assert (
        soup(answer).select("a[rel=next]")[0]["href"] == soup(page).select("a[rel=next]")[0]["href"]
    )


def test_a_filtered_journal_stays_filtered_while_it_polls(
    app: Flask, bobs: Browser, shop: Instance, journal: str
) -> None:
    write(app, shop, "webhook:endpoint:saved")
    poll = str(only(bobs.get(f"{journal}?group=webhooks"), "#journal")["hx-get"])
    write(app, shop, "instance:phone:linked")
    assert len(soup(bobs.fragment(poll)).select("li")) == 1


def test_the_overview_shows_the_newest_and_leads_to_all(
    app: Flask, bobs: Browser, shop: Instance, journal: str
) -> None:
    write(app, shop, *["webhook:endpoint:saved"] * 12)
    page = bobs.get(f"/ui/instances/{shop.id}")
    assert len(soup(page).select("#recent li")) == 8
    assert only(page, "#whole-journal")["href"] == journal


def test_lines_never_name_a_secret(app: Flask, bobs: Browser, shop: Instance, journal: str) -> None:
    values = {"webhook_url": "https://example.com/?token=hidden", "webhook_secret": "s3cret" * 5}
    values |= {"name": "Shop", "max_retries": "3", "retry_interval": "60", "headers": "X-Key: hush"}
    assert bobs.post(f"/ui/instances/{shop.id}/edit", values).status_code == 303
    shown = words(bobs.get(journal))
    for secret in ("hidden", "s3cret", "hush"):
        assert secret not in shown


def test_the_whole_journal_names_the_instance_and_the_address(
    app: Flask, bobs: Browser, bob: User, shop: Instance
) -> None:
    bob.came_from = "192.0.2.7"
    write(app, shop, "webhook:endpoint:saved", actor=bob)
    (line,) = lines(bobs, "/ui/journal?group=webhooks")
    assert "Вебхук изменён Shop Bob 192.0.2.7" in line
    assert len(lines(bobs, "/ui/journal?q=192.0.2.7")) == 1
    assert lines(bobs, "/ui/journal?group=contacts") == []


def test_the_whole_journal_is_live(app: Flask, bobs: Browser, shop: Instance) -> None:
    poll = str(only(bobs.get("/ui/journal?group=webhooks"), "#journal")["hx-get"])
    assert bobs.fragment(poll).status_code == 204
    write(app, shop, "webhook:endpoint:saved", "instance:phone:linked")
    assert len(soup(bobs.fragment(poll)).select("li")) == 1


def test_signing_in_and_out_stands_in_the_journal(anybody: Browser, bob: User) -> None:
    form = {"email": bob.email, "password": PASSWORD}
    for _ in range(2):
        assert anybody.post("/login", form).status_code == 303
        anybody.post("/logout", {})
    anybody.post("/login", form)
    shown = lines(anybody, "/ui/journal?group=sign_ins")
    assert len(shown) == 5
    assert all("Bob" in line and "127.0.0.1" in line for line in shown)


def test_a_wrong_password_is_handed_to_a_job(app: Flask, anybody: Browser, bob: User) -> None:
    for email in (bob.email, "nobody@example.com"):
        answer = anybody.post("/login", {"email": email, "password": "wrong password"})
        assert answer.status_code == 401
    with app.app_context():
        queued = [(job.func_name, tuple(job.args)) for job in bell.queue("default").jobs]
    job = "app.jobs.accounts.note_failed_sign_in"
    noted = [(job, (email, "127.0.0.1")) for email in (bob.email, "nobody@example.com")]
    assert queued == noted
