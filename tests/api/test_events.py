"""Events that programs fetch, or read as a stream."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from werkzeug.serving import make_server

from app import waiting
from app.api import events as views
from app.clock import utcnow
from app.core.events import FETCHED, Event
from app.extensions import db
from app.jobs import events as job
from app.services import accounts, api_keys, outbox
from app.transaction import transaction
from tests.queries import selects
from tests.waiting import wait_for

RECEIVED, SENT = Event.MESSAGE_RECEIVED, Event.MESSAGE_SENT


@pytest.fixture
def path(linked) -> str:
    return f"/api/instances/{linked.id}/events"


@pytest.fixture
def tell(app, linked):
    """Tells of a message with this text."""

    def commit(text: str, event: Event = RECEIVED) -> None:
        with app.app_context(), transaction():
            outbox.emit(linked.id, event, {"body": text})

    return commit


@pytest.fixture
def no_room() -> Iterator[None]:
    """As many wait as may."""
    room = waiting.Places(share=1000, least=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waiting, "EVENTS", room)
        yield


def texts(answer) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["body"]["data"]["body"] for one in answer.json["items"]]


def problem(answer) -> tuple[int, str]:
    return answer.status_code, answer.get_json(force=True)["code"]


# Fetched


def test_the_first_asking_says_from_where_events_are_kept(api, path, tell):
    tell("before")
    first = api.get(path).json
    tell("after")
    assert (first["items"], first["more"]) == ([], False)
    assert texts(api.get(f"{path}?since={first['cursor']}")) == ["after"]


def test_an_event_is_told_as_to_a_webhook(api, path, tell, linked):
    api.get(path)
    tell("Hello")
    (item,) = api.get(path).json["items"]
    assert item["id"].startswith("evt_")
    assert item["body"]["event"] == "message_received"
    assert item["body"]["instanceId"] == linked.id
    assert item["body"]["data"] == {"instanceId": linked.id, "body": "Hello"}
    assert item["body"]["timestamp"].endswith("Z")


def test_events_come_part_by_part(api, path, tell):
    cursor = api.get(path).json["cursor"]
    for text in ("one", "two", "three"):
        tell(text)
    first = api.get(f"{path}?limit=2&since={cursor}")
    rest = api.get(f"{path}?limit=2&since={first.json['cursor']}")
    assert (texts(first), first.json["more"]) == (["one", "two"], True)
    assert (texts(rest), rest.json["more"]) == (["three"], False)
    assert rest.json["cursor"] == rest.json["items"][-1]["id"]


def test_types_are_chosen(api, path, tell):
    api.get(path)
    tell("in")
    tell("out", SENT)
    tell("again")
    assert texts(api.get(f"{path}?types=message_sent")) == ["out"]
    assert texts(api.get(f"{path}?types=message_sent,message_received")) == ["in", "out", "again"]


@pytest.mark.parametrize("suffix", ["", "/stream"])
@pytest.mark.parametrize("types", ["weather", "message_sent,test", "message_status:read"])
def test_an_unknown_type_is_refused(api, path, suffix, types):
    answer = api.get(f"{path}{suffix}?types={types}")
    assert problem(answer) == (422, "unknown_event")
    assert answer.get_json(force=True)["field"] == "types"


def test_every_event_can_be_chosen(api, path):
    assert api.get(f"{path}?types={','.join(sorted(FETCHED))}").status_code == 200


@pytest.mark.parametrize("suffix", ["", "/stream"])
def test_what_is_no_cursor_is_refused(api, path, suffix):
    assert problem(api.get(f"{path}{suffix}?since=yesterday")) == (422, "bad_cursor")


@pytest.mark.parametrize("suffix", ["", "/stream"])
def test_a_cursor_that_is_too_old_is_told_with_one_that_works(app, api, path, tell, suffix):
    cursor = api.get(path).json["cursor"]
    tell("gone")
    with time_machine.travel(utcnow() + timedelta(hours=73)), app.app_context():
        job.clear()
    tell("kept")
    answer = api.get(f"{path}{suffix}?since={cursor}")
    assert problem(answer) == (410, "cursor_too_old")
    oldest = answer.get_json(force=True)["oldestCursor"]
    assert texts(api.get(f"{path}?since={oldest}")) == ["kept"]


def test_asking_takes_as_many_queries_however_much_there_is(app, api, path, tell):
    cursor = api.get(path).json["cursor"]
    counts = []
    for text in ("one", "two", "three"):
        tell(text)
        with app.app_context(), selects() as statements:
            assert texts(api.get(f"{path}?since={cursor}"))[-1] == text
        counts.append(len(statements))
    assert counts[0] == counts[-1] <= 5


def test_nobody_pays_more_than_one_query_for_what_nobody_fetches(app, linked):
    with app.app_context():
        with selects() as one, transaction():
            outbox.emit(linked.id, RECEIVED, {})
        with selects() as two, transaction():
            outbox.emit(linked.id, RECEIVED, {})
            outbox.emit(linked.id, RECEIVED, {})
    assert len([query for query in one if "event_feeds" in query]) == 1
    assert len([query for query in two if "event_feeds" in query]) == 1


# Waited for


def test_who_waits_gets_an_event_as_soon_as_it_is_told(api, path, tell):
    api.get(path)
    thread = threading.Timer(0.5, tell, ["now"])
    thread.start()
    started = utcnow()
    assert texts(api.get(f"{path}?wait=20")) == ["now"]
    assert utcnow() - started < timedelta(seconds=10)
    thread.join()


def test_who_waits_in_vain_gets_none_and_a_cursor_past_the_others(api, path, tell):
    first = api.get(path).json["cursor"]
    tell("other")
    started = utcnow()
    answer = api.get(f"{path}?wait=1&types=message_sent")
    assert (texts(answer), "Retry-After" in answer.headers) == ([], False)
    assert utcnow() - started >= timedelta(seconds=1)
    assert answer.json["cursor"] > first


def test_too_long_a_wait_is_refused(api, path):
    assert problem(api.get(f"{path}?wait=26")) == (422, "validation_failed")


def test_where_too_many_wait_the_answer_comes_at_once(api, path, no_room):
    started = utcnow()
    answer = api.get(f"{path}?wait=20")
    assert (texts(answer), answer.headers["Retry-After"]) == ([], "2")
    assert utcnow() - started < timedelta(seconds=5)


def test_a_third_of_the_threads_may_wait_for_events(app):
    with app.app_context():
        assert [waiting.EVENTS.take() for _ in range(3)] == [True, True, False]  # of eight
        waiting.EVENTS.leave()
        waiting.EVENTS.leave()


# Streamed


@pytest.fixture
def stream(app, bob, path, monkeypatch):
    """The whole of a stream that ends after a look."""
    monkeypatch.setattr(views, "STREAM_SECONDS", 0)
    with app.app_context(), transaction():
        key = accounts.create_key(bob).key_encrypted

    def read(suffix: str = "", **headers: str) -> list[dict[str, str]]:
        program, headers = app.test_client(), {"X-API-Key": key, **headers}
        with program.get(f"{path}/stream{suffix}", headers=headers) as answer:
            assert answer.status_code == 200, answer.text
            assert answer.mimetype == "text/event-stream"
            parts = answer.text.removesuffix("\n\n").split("\n\n")
        return [dict(line.split(": ", 1) for line in part.split("\n")) for part in parts]

    return read


def test_a_stream_begins_with_its_cursor_and_goes_on_with_events(api, path, tell, stream):
    cursor = api.get(path).json["cursor"]
    tell("Привет\nAnna")
    begin, event = stream()
    assert begin == {"retry": "2000", "id": cursor}
    (item,) = api.get(path).json["items"]
    assert (event["id"], event["event"]) == (item["id"], "message_received")
    assert "Привет\\nAnna" in event["data"]


def test_the_last_id_resumes_whatever_the_address_says(api, path, tell, stream):
    first = api.get(path).json["cursor"]
    tell("one")
    tell("two")
    one, two = (item["id"] for item in api.get(path).json["items"])
    told = stream(f"?since={first}", **{"Last-Event-ID": one})
    assert [event["id"] for event in told] == [one, two]


def test_a_stream_of_much_comes_whole(api, path, tell, stream, monkeypatch):
    monkeypatch.setattr(views, "_SENT_TOGETHER", 2)
    api.get(path)
    for number in range(5):
        tell(str(number))
    assert len(stream()) == 1 + 5
    assert len(stream("?types=message_sent")) == 1
    assert len(stream("?since=now")) == 1


def test_a_quiet_stream_tells_a_cursor_past_events_of_other_types(
    api, path, tell, stream, monkeypatch
):
    monkeypatch.setattr(views, "HEARTBEAT_SECONDS", 0)
    api.get(path)
    tell("one")
    (item,) = api.get(path).json["items"]
    assert stream("?types=message_sent")[-1] == {"": "nothing new", "id": item["id"]}


def test_where_there_is_no_room_a_stream_is_refused(api, path, no_room):
    answer = api.get(f"{path}/stream")
    assert problem(answer) == (503, "too_many_streams")
    assert answer.headers["Retry-After"] == "15"


def test_a_stream_gives_its_place_back(app, api, path, stream):
    for _ in range(5):
        stream()
    with app.app_context():
        assert waiting.EVENTS.take()
        waiting.EVENTS.leave()


def test_a_stream_tells_nothing_more_once_its_key_is_taken_back(app, bob, path, tell, linked):
    with app.app_context(), transaction():
        key = api_keys.create_key(bob).key_encrypted
    program = app.test_client()
    answer = program.get(f"{path}/stream", headers={"X-API-Key": key}, buffered=False)
    parts = answer.iter_encoded()
    assert b"retry" in next(parts)
    with app.app_context(), transaction():
        for row in db.session.scalars(db.select(api_keys.ApiKey)):
            db.session.delete(row)
    tell("secret")
    assert list(parts) == []
    answer.close()


def test_a_reader_that_takes_nothing_is_let_go(app, bob, path, tell, monkeypatch):
    monkeypatch.setattr(views, "_UNREAD_SECONDS", 0.5)
    with app.app_context(), transaction():
        key = accounts.create_key(bob).key_encrypted
    app.test_client().get(path, headers={"X-API-Key": key})
    for _ in range(60):
        tell("x" * 200_000)  # more than lies in all buffers on the way
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with socket.create_connection(("127.0.0.1", server.server_port)) as line:
            request = f"GET {path}/stream HTTP/1.1\r\nHost: a\r\nX-API-Key: {key}\r\n\r\n"
            line.sendall(request.encode())
            wait_for(lambda: waiting.EVENTS._taken == 1, 10, "it reads")
            wait_for(lambda: waiting.EVENTS._taken == 0, 10, "it is let go")
    finally:  # the line is closed by then, so that a stream which hangs ends
        server.shutdown()
        thread.join()
        server.server_close()
