from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

from app.config import Settings
from app.logging import configure


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def written(settings: Settings) -> Iterator[Callable[[], list[dict[str, object]]]]:
    stream = io.StringIO()
    configure(settings, stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_one_fact_is_one_line_of_json(written: Callable[[], list[dict[str, object]]]) -> None:
    structlog.get_logger("app.x").info("delivery.attempted", status=200, text="two\nlines")

    (line,) = written()
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert (line["level"], line["event"]) == ("info", "delivery.attempted")
    assert (line["status"], line["text"]) == (200, "two\nlines")


def test_libraries_write_in_the_same_form(written: Callable[[], list[dict[str, object]]]) -> None:
    logging.getLogger("some.library").warning("It is %s", "late")

    (line,) = written()
    assert (line["level"], line["event"]) == ("warning", "It is late")


@pytest.mark.parametrize("key", ["password", "api_key", "webhook_secret", "Authorization", "token"])
def test_secrets_are_hidden(written: Callable[[], list[dict[str, object]]], key: str) -> None:
    structlog.get_logger("app.x").info("user.signed_in", **{key: "hunter2"})

    assert "hunter2" not in json.dumps(written())


def test_error_is_one_line_without_the_values_around_it(
    written: Callable[[], list[dict[str, object]]],
) -> None:
    password = "hunter2"
    try:
        raise ValueError("it broke")
    except ValueError:
        structlog.get_logger("app.x").exception("job.failed")

    (line,) = written()
    assert "it broke" in json.dumps(line)
    assert password not in json.dumps(line)


def test_rq_tells_only_what_went_wrong(written: Callable[[], list[dict[str, object]]]) -> None:
    logging.getLogger("rq.worker").info("a story")
    logging.getLogger("rq.worker").warning("a problem")

    assert [line["event"] for line in written()] == ["a problem"]


def test_a_terminal_gets_text(settings: Settings) -> None:
    stream = Terminal()
    configure(settings, stream)
    structlog.get_logger("app.x").info("process.started")

    assert "process.started" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
