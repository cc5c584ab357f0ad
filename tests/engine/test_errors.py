"""The engine's sentences and what they mean for a message."""

from __future__ import annotations

import pytest

from app.engine.errors import EngineError, NotConnected, engine_error


@pytest.mark.parametrize(
    ("text", "slug", "permanent", "may_have_left"),
    [
        ("no LID found for 1@s.whatsapp.net from server", "not_on_whatsapp", True, False),
        ("timed out waiting for message send response", "timed_out", False, True),
        ("server returned error 463", "server_error_463", True, False),
        ("server returned error 503", "server_error_503", False, False),
        ("failed to send message node: websocket not connected", "not_connected", False, False),
        ("failed to send message node: write: broken pipe", "connection_lost", False, True),
        # Without the prefix it comes from a retry: the first try had left.
        ("websocket not connected", "connection_lost", False, True),
        (
            "websocket disconnected before message send returned response",
            "connection_lost",
            False,
            True,
        ),
        (
            "failed to get user info for 1@s.whatsapp.net to fill LID cache: "
            "failed to send usync query: websocket not connected",
            "not_connected",
            False,
            False,
        ),
        ("failed to get device list: info query timed out", "lookup_failed", False, False),
        (
            "message recipient must be a user JID with no device part",
            "bad_address",
            True,
            False,
        ),
        ("client is nil", "not_connected", False, False),
        ("something new", "engine_error", False, True),
    ],
)
def test_sentence_of_the_engine_becomes_an_error(
    text: str, slug: str, permanent: bool, may_have_left: bool
):
    error = engine_error(text)
    assert (error.slug, error.permanent, error.may_have_left) == (slug, permanent, may_have_left)
    assert text in str(error)


def test_not_connected_is_an_error_of_its_own():
    assert isinstance(engine_error("client is nil"), NotConnected)
    assert issubclass(NotConnected, EngineError)
