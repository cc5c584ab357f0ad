"""Whatever happens to a connection: the page says what it is and what to do, in both languages."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_babel import force_locale

from app.core.reasons import REASONS
from app.models import Instance
from app.ui.words import fill
from tests.ui.browser import Browser
from tests.ui.test_details import linked, panel, put

DETAIL = {"until": "2030-05-04T12:00:00.000Z", "code": "418"}
CONNECTION = [
    ("disconnected", "connection_lost"),
    ("disconnected", "network_unreachable"),
    ("disconnected", "no_answer"),
    ("disconnected", "key_store_unwritable"),
    ("disconnected", "key_store_unreadable"),
    ("disconnected", "engine_trouble"),
    ("disconnected", "host_lost"),
    ("disconnected", "taken_back"),
    ("logged_out", "phone_logged_out"),
    ("logged_out", "account_gone"),
    ("logged_out", "link_ended"),
    ("logged_out", "signed_out_here"),
    ("logged_out", "signed_out_unheard"),
    ("failed", "stream_replaced"),
    ("failed", "temporary_ban"),
    ("failed", "restricted"),
    ("failed", "client_outdated"),
    ("failed", "refused_by_whatsapp"),
    ("failed", "keys_missing"),
]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_end_of_a_connection_is_told_with_what_to_do(
    app: Flask, bobs: Browser, shop: Instance, language: str
) -> None:
    bobs.post("/language", {"language": language})
    linked(app, shop)
    for state, slug in CONNECTION:
        put(app, shop, state=state, reason=slug, reason_detail=DETAIL)
        shown = " ".join(panel(bobs, shop).split())
        with app.test_request_context(), force_locale(language):
            sentence, hint = (
                " ".join(fill(one, DETAIL).split())
                for one in (REASONS[slug].sentence, REASONS[slug].hint)
            )
        assert sentence in shown, slug
        assert hint in shown, slug
        assert language == "en" or sentence != REASONS[slug].sentence
