"""A thousand singletons: what happens to one of them costs the same as among ten."""

from collections.abc import Callable

import pytest
from tests.unit.election.crowd import STEADY, Crowd
from tests.unit.election.table import APP, TIMINGS, Seat, Table, holder
from tests.work import counted

from immutant.election import Put, member_lease

FEW, MANY = 50, 400
AT_ONCE = 40
"""Writes under way at once, at most: those to singletons, and a few to members' records."""


def _names(count: int) -> list[str]:
    return [f"{APP}.daemon.d{n}" for n in range(count)]


def _taken(count: int) -> Crowd:
    """A member that holds so many."""
    crowd = Crowd()
    crowd.join("demo-0", _names(count))
    crowd.live(STEADY, step=0.5)
    assert len(crowd.holders()) == count
    return crowd


def taking(count: int) -> int:
    with counted("immutant/election") as work:
        _taken(count)
    return work.lines


def draining(count: int) -> int:
    crowd = _taken(count)
    with counted("immutant/election") as work:
        crowd.leave(crowd.people[0])
    return work.lines


def expelling(count: int) -> int:
    crowd = _taken(count)
    crowd.join("demo-1", _names(count))
    crowd.live(2.0, step=0.5)
    crowd.die(crowd.people[0])
    with counted("immutant/election") as work:
        crowd.live(TIMINGS.lease_duration + 2.0, step=0.5)
    assert set(crowd.holders().values()) == {"demo-1"}
    assert len(crowd.holders()) == count
    return work.lines


def outage(count: int) -> int:
    """All tenures end together, and are to be given back and taken again."""
    crowd = _taken(count)
    crowd.table.now += TIMINGS.lease_duration
    with counted("immutant/election") as work:
        crowd.live(5.0, step=0.5)
    return work.lines


@pytest.mark.parametrize("episode", [taking, draining, expelling, outage])
def test_eight_times_as_many_singletons_cost_about_eight_times_as_much(
    episode: Callable[[int], int],
) -> None:
    assert episode(MANY) < 1.5 * MANY / FEW * episode(FEW)


def event_of_one(count: int) -> int:
    crowd = _taken(count)
    election, now = crowd.people[0].election, crowd.table.now
    name = _names(count)[0]
    with counted("immutant/election") as work:
        election.leave(name, now)
        election.next_wake(now)
    return work.lines


def event_of_a_stranger(count: int) -> int:
    """The renewal of a member that holds nothing."""
    crowd = _taken(count)
    crowd.join("demo-1", [])
    crowd.join("demo-2", ["demo.daemon.other"])
    crowd.live(STEADY, step=0.5)
    person = crowd.people[0]
    crowd.table.edit(crowd.table.member("demo-2"))
    with counted("immutant/election") as work:
        person.election.saw(crowd.table.log[-1], crowd.table.now)
        person.election.next_wake(crowd.table.now)
    return work.lines


@pytest.mark.parametrize("event", [event_of_one, event_of_a_stranger])
def test_an_event_costs_what_it_concerns_however_many_are_held(event: Callable[[int], int]) -> None:
    assert event(MANY) <= event(FEW) + 20


def renewal_among(members: int) -> int:
    """Another member's renewal, at an instant at which nothing is due."""
    crowd = Crowd()
    for number in range(members):
        crowd.join(f"demo-{number}", _names(10))
    crowd.live(STEADY, step=0.5)
    election, now = crowd.people[0].election, crowd.table.now
    election.wake(now)
    crowd.table.edit(crowd.table.member("demo-1"))
    with counted("immutant/election") as work:
        assert election.saw(crowd.table.log[-1], now) == []
        election.next_wake(now)
    return work.lines


def test_the_renewals_of_others_cost_the_same_among_few_and_many() -> None:
    assert renewal_among(12) <= renewal_among(3) + 10


def test_a_silence_is_noticed_by_whoever_is_woken_when_it_asks_and_hears_others_all_the_time() -> (
    None
):
    seat = holder(table := Table())
    other, silent = Seat(table, "demo-1"), Seat(table, "demo-2")
    seat.live(TIMINGS.lease_duration + 1, other, silent)
    due = seat.election.next_wake(table.now)
    for _ in range(round((TIMINGS.lease_duration + 1) / 0.05)):
        table.now += 0.05
        table.edit(table.member("demo-1"))
        seat.watch()
        due = min(due, seat.election.next_wake(table.now))
        if table.now >= due:
            seat.do(seat.election.wake(table.now))
            due = seat.election.next_wake(table.now)
        while seat.requests:
            seat.serve()
    assert table.member("demo-2").ended == "expelled"


def test_of_all_that_is_free_only_some_is_written_to_at_once_and_a_renewal_does_not_wait() -> None:
    seat = holder(table := Table())
    for name in _names(MANY):
        seat.do(seat.election.stand(name, None, table.now))
    assert FEW / 2 < len(seat.requests) <= AT_ONCE
    seat.pass_time(TIMINGS.renew_period)
    assert len(seat.requests) <= AT_ONCE
    renewal = seat.requests[-1]
    assert isinstance(renewal, Put)
    assert renewal.lease.name == member_lease(APP, "demo-0")
    while seat.requests:
        seat.serve()
        assert len(seat.requests) <= AT_ONCE
    assert len(seat.election.tenures()) == MANY + 1
