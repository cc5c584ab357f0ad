"""Reasons in words."""

import re

import pytest

from app.core.reasons import REASONS, reason_of


@pytest.mark.parametrize("reason", REASONS.values(), ids=lambda reason: reason.slug)
def test_every_reason_says_what_happened_and_what_to_do(reason):
    assert reason.sentence and not reason.sentence.endswith(".")
    assert reason.hint.endswith(".")


@pytest.mark.parametrize("slug", REASONS)
def test_every_slug_fits_its_column(slug):
    assert re.fullmatch(r"[a-z_]{1,40}", slug)


def test_no_slug_has_no_reason():
    assert reason_of(None) is None
