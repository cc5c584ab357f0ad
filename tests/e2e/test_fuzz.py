"""Twenty seconds of schemathesis over the whole document; `make fuzz` goes on for longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.run import fuzz, target

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def test_the_api_keeps_to_its_document(data_dir: Path) -> None:
    with target(data_dir) as found:
        right, said = fuzz(found, seconds=20, examples=2, phases="examples,fuzzing,stateful")
    assert right, said
    assert "Tested: " in said
