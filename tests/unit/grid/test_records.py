"""What is stored of a message, and the moves from one version to the next."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immutant.grid.records import Record, State, dispatch_key, message_id, message_of
from immutant.stores import Outgoing

NOW = 1_700_000_000.0


def sent(**options: object) -> Record:
    return Record.sent(Outgoing(b"body", **options), message_id(7, 0), NOW)  # type: ignore[arg-type]


@given(
    body=st.binary(max_size=50),
    headers=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    priority=st.integers(0, 9),
    delay=st.sampled_from([0.0, 5.0]),
    ttl=st.sampled_from([None, 9.0]),
    batch=st.sampled_from(["", "together"]),
)
def test_a_record_is_read_as_it_was_written(
    body: bytes, headers: dict[str, str], priority: int, delay: float, ttl: float, batch: str
) -> None:
    message = Outgoing(body, headers, priority, delay, ttl)
    record = Record.sent(message, message_id(1, 2), NOW, batch=batch)
    for version in (record, record.leased("m", 3.0), record.dead("why", NOW + 1)):
        assert Record.decode(record.id, version.encode()) == version


def test_no_two_versions_are_the_same() -> None:
    record = sent()
    versions = [record, record.changed(), record.leased("m", 1.0), record.leased("m", 1.0)]
    assert len({version.encode() for version in versions}) == len(versions)


def test_keys_sort_by_priority_and_then_in_the_order_of_sending() -> None:
    ids = [message_id(*place) for place in ((9, 1), (10, 0), (10, 300), (4096, 2), (2**40, 0))]
    assert ids == sorted(ids)
    keys = [dispatch_key(priority, message) for priority in (9, 4, 0) for message in ids]
    assert keys == sorted(keys)
    assert [message_of(key) for key in keys] == ids * 3


def test_what_changes_by_itself_is_found_by_its_time() -> None:
    assert sent().wake is None
    assert sent(ttl=9.0).wake == NOW + 9
    assert sent(delay=5.0).wake == NOW + 5
    assert sent(delay=5.0, ttl=2.0).wake == NOW + 2
    assert sent(ttl=9.0).leased("m", 1.0).wake is None
    assert json.loads(sent(delay=5.0).encode())["w"] == NOW + 5
    assert "w" not in json.loads(sent().encode())


def test_an_attempt_that_is_given_back_uncounted_never_was() -> None:
    leased = sent().leased("m", 1.0)
    assert leased.attempt == 1
    assert leased.given_back(None, counted=False).attempt == 0
    assert leased.given_back(NOW, counted=True).attempt == 1
    assert leased.given_back(NOW, counted=True).state is State.DELAYED
    assert leased.given_back(NOW, counted=True).ready().due is None


def test_a_pending_message_becomes_what_its_sending_asked_for() -> None:
    pending = Record.sent(Outgoing(b"", delay=5.0), message_id(1, 0), NOW, batch="b")
    assert (pending.state, pending.wake) == (State.PENDING, None)
    assert pending.released().state is State.DELAYED
    assert pending.released().batch == ""


@pytest.mark.parametrize("text", ["", "[]", '{"v": 99}', '{"v": 1, "s": "lost"}'])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises((ValueError, LookupError)):
        Record.decode("1", text)
