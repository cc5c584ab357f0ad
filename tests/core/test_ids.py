"""Public ids."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from app.core import ids
from app.core.ids import new_id

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_id_is_a_prefix_and_26_characters():
    prefix, _, ulid = new_id("msg", NOW).partition("_")
    assert (prefix, len(ulid)) == ("msg", 26)
    assert set(ulid) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_ids_of_one_moment_sort_in_the_order_they_were_made():
    made = [new_id("msg", NOW) for _ in range(1000)]
    assert made == sorted(made)
    assert len(set(made)) == 1000


def test_ids_stay_in_order_when_the_clock_goes_back(monkeypatch):
    monkeypatch.setattr(ids, "_last", ids._last)  # the future must not stay
    first = new_id("msg", NOW + timedelta(days=36500))
    assert new_id("msg", NOW) > first


def test_ids_made_by_several_threads_differ():
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: new_id("msg", NOW), range(2000)))
    assert len(set(made)) == 2000
