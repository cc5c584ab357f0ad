"""The errors that answer a request."""

import pytest

from app.core import errors
from app.core.errors import AppError, Invalid, NotFound, RateLimited

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type)]


def test_every_kind_has_a_code_of_its_own():
    codes = [kind.code for kind in KINDS]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_status_that_is_an_error(kind):
    assert 400 <= kind.status < 600


def test_an_error_says_its_message_with_the_numbers_filled_in():
    assert str(Invalid("At most %(count)d.", count=3)) == "At most 3."


def test_an_error_without_a_message_says_the_one_of_its_kind():
    assert str(NotFound()) == NotFound.message


def test_an_error_can_have_a_narrower_code():
    assert NotFound(code="chat_not_found").code == "chat_not_found"
    assert NotFound().code == "not_found"


def test_a_rate_limit_says_how_long_to_wait():
    error = RateLimited(30)
    assert (error.retry_after, "30" in str(error)) == (30, True)
    assert isinstance(error, AppError)
