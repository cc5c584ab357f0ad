"""What people see when something goes wrong."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from app.extensions import db
from app.models import Instance
from app.ui import listing
from tests.ui.browser import Browser, only, words


def test_an_unknown_page_is_a_page_in_the_persons_language(anybody: Browser) -> None:
    russian = anybody.get("/no-such-page")
    english = anybody.get("/no-such-page", headers={"Accept-Language": "en"})
    assert (russian.status_code, english.status_code) == (404, 404)
    assert "Такой страницы нет." in words(russian)
    assert "This page does not exist." in words(english)


def test_an_unknown_instance_says_so(bobs: Browser) -> None:
    answer = bobs.get("/ui/instances/ins_unknown")
    assert answer.status_code == 404
    assert "Такого инстанса нет." in words(answer)


def test_an_unknown_instance_is_an_alert_for_htmx(bobs: Browser) -> None:
    answer = bobs.fragment("/ui/instances/ins_unknown/state")
    assert answer.status_code == 404
    assert answer.headers["HX-Retarget"] == "#alerts"
    assert only(answer, "[role=alert]#alert")


def test_a_method_that_a_page_does_not_know_is_a_405(bobs: Browser) -> None:
    assert bobs.client.put("/ui/profile", headers=bobs.headers).status_code == 405


def test_a_body_that_is_too_large_is_a_413(bobs: Browser, shop: Instance) -> None:
    answer = bobs.post(f"/ui/instances/{shop.id}/chat", {"to": "1" * 2_000_000})
    assert answer.status_code == 413
    assert "слишком много" in words(answer)


@pytest.fixture
def broken(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service with a bug, on a product that does not hand bugs to the tests."""

    def overview_of(*_: object) -> object:
        raise RuntimeError("secret detail")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(listing, "overview_of", overview_of)


@pytest.mark.usefixtures("broken")
def test_a_bug_is_a_page_without_a_traceback(bobs: Browser) -> None:
    answer = bobs.get("/ui/instances")
    assert answer.status_code == 500
    assert "На сервере что-то сломалось." in words(answer)
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.usefixtures("broken")
def test_a_bug_is_an_alert_for_htmx(bobs: Browser) -> None:
    answer = bobs.fragment("/ui/instances/list")
    assert answer.status_code == 500
    assert answer.headers["HX-Retarget"] == "#alerts"


def test_the_error_page_needs_no_database(app: Flask, bobs: Browser) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OperationalError("SELECT", {}, Exception("the disk is gone"))

    app.config["PROPAGATE_EXCEPTIONS"] = False
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", gone)
    answer = bobs.get("/ui/instances")
    assert answer.status_code == 503
    assert "Сервис занят." in words(answer)
