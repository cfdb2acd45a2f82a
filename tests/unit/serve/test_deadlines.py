"""When a child has to be killed, by what it and the coordinator have said."""

import json
from dataclasses import asdict

import pytest

from immutant.serve.deadlines import Deadlines, Owed


def line(*owed: Owed) -> bytes:
    return b"".join(json.dumps(asdict(one)).encode() + b"\n" for one in owed)


@pytest.fixture
def deadlines() -> Deadlines:
    return Deadlines(stop_margin=1.0)


def test_the_earliest_deadline_decides_and_grows_with_heartbeats(deadlines: Deadlines) -> None:
    assert deadlines.overdue_at() is None
    deadlines.feed(line(Owed("a", 10.0), Owed("b", 20.0)))
    assert deadlines.overdue_at() == 11.0
    deadlines.feed(line(Owed("a", 30.0)))
    assert deadlines.overdue_at() == 21.0


def test_a_line_in_two_pieces_is_one_line(deadlines: Deadlines) -> None:
    whole = line(Owed("a", 10.0))
    deadlines.feed(whole[:9])
    deadlines.feed(whole[9:])
    assert deadlines.overdue_at() == 11.0


def test_what_has_stopped_is_owed_no_more(deadlines: Deadlines) -> None:
    deadlines.feed(line(Owed("a", 10.0), Owed("a")))
    assert deadlines.overdue_at() is None


def test_the_coordinators_word_extends_what_is_held_and_nothing_else(deadlines: Deadlines) -> None:
    deadlines.feed(line(Owed("a", 10.0)))
    deadlines.extend({"a": 15.0, "b": 1.0})
    assert deadlines.overdue_at() == 16.0
    deadlines.extend({"a": 5.0})
    assert deadlines.overdue_at() == 16.0


def test_what_has_been_told_to_end_is_extended_no_more(deadlines: Deadlines) -> None:
    deadlines.feed(line(Owed("a", 10.0), Owed("a", 12.0, is_final=True)))
    deadlines.extend({"a": 15.0})
    assert deadlines.overdue_at() == 13.0


def test_the_kernels_timer_hears_nothing_of_the_coordinators_word(deadlines: Deadlines) -> None:
    deadlines.feed(line(Owed("a", 10.0, is_hard=True), Owed("b", 5.0)))
    deadlines.extend({"a": 15.0, "b": 15.0})
    assert deadlines.overdue_at() == 16.0
    assert deadlines.hard_at() == 11.0


def test_the_first_silence_decides_and_counts_anew_once_it_is_forgiven(
    deadlines: Deadlines,
) -> None:
    deadlines.feed(line(Owed("a", 99.0), Owed("b", 99.0, alive_within=2.0, alive_until=12.0)))
    deadlines.feed(line(Owed("c", 99.0, alive_within=1.0, alive_until=11.0)))
    assert deadlines.silent_at() == 11.0
    assert deadlines.look_every() == 0.25
    deadlines.forgive(20.0)
    assert deadlines.silent_at() == 21.0
    deadlines.feed(line(Owed("c"), Owed("b", 99.0)))
    assert deadlines.silent_at() is None
    assert deadlines.look_every() is None
