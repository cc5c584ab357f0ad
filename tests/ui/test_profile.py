"""The page about oneself."""

from __future__ import annotations

from flask import Flask

from app.models import User
from app.services import accounts
from app.transaction import transaction
from tests.ui.browser import Browser, only, words


def test_the_profile_shows_email_name_and_the_key_behind_a_reveal(
    app: Flask, bobs: Browser, bob: User
) -> None:
    with app.app_context(), transaction():
        key = accounts.create_key(bob).key_encrypted
    page = bobs.get("/ui/profile")
    assert "bob@example.com" in words(page)
    assert only(page, "details.reveal:not([open]) #api-key").text == key
    assert only(page, "[data-copy='#api-key']")


def test_the_profile_says_when_there_is_no_key(bobs: Browser) -> None:
    assert "Действующего ключа нет." in words(bobs.get("/ui/profile"))
