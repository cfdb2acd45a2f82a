"""What is told of an election: who held before, how that ended, and which renewals counted."""

from dataclasses import replace

from tests.unit.election.table import APP, COUNTER, TIMINGS, Seat, Table, holder

from immutant.election import Election
from immutant.election.observer import Observer, Predecessor
from immutant.leases import LeaseSnapshot


class Listener(Observer):
    def __init__(self) -> None:
        self.renewals: list[float] = []

    def renewed(self, seconds: float) -> None:
        self.renewals.append(seconds)


def before(seat: Seat) -> Predecessor:
    found = seat.election.predecessor(COUNTER)
    assert found is not None
    return found


def test_who_finds_no_record_has_no_predecessor() -> None:
    seat = holder(Table())
    assert seat.election.predecessor(COUNTER) is None
    assert seat.table.records[COUNTER].former == ()


def test_a_release_counts_from_when_it_was_seen() -> None:
    first = holder(Table())
    second = Seat(first.table, "demo-1")
    second.live(TIMINGS.lease_duration + 1, first)
    first.do(first.election.drain("on purpose", 10.0, first.table.now))
    tenure = first.table.records[COUNTER].nonce
    first.do(first.election.stopped(COUNTER, tenure, first.table.now))
    released = first.table.now
    second.live(1.0, first)
    assert second.holds
    assert before(second).end == "released"
    assert released <= before(second).sign <= released + 0.2
    assert first.table.records[COUNTER].former == ("demo-0/1", "released")


def test_an_expelled_one_counts_from_its_last_renewal_and_not_from_the_expulsion() -> None:
    first = holder(Table())
    second = Seat(first.table, "demo-1")
    second.live(TIMINGS.lease_duration + 1, first)
    silent = first.table.now
    second.live(TIMINGS.lease_duration + 2)
    assert second.holds
    assert before(second).end == "expelled"
    assert silent - TIMINGS.renew_period - 0.2 <= before(second).sign <= silent + 0.2
    assert first.table.records[COUNTER].former == ("demo-0/1", "expelled")


def test_one_whose_application_died_has_resigned() -> None:
    first = holder(Table())
    second = Seat(first.table, "demo-1")
    second.live(TIMINGS.lease_duration + 1, first)
    died = first.table.now
    first.do(first.election.app_died(died))
    second.live(1.0, first)
    assert second.holds
    assert before(second).end == "resigned"
    assert died <= before(second).sign <= died + 0.2


def test_one_that_resigned_has_not_got_lost_when_its_next_life_has_begun() -> None:
    first = holder(Table())
    second = Seat(first.table, "demo-1")
    second.live(TIMINGS.lease_duration + 1, first)
    first.do(first.election.app_died(first.table.now))
    first.settle()
    next_life = Seat(first.table, "demo-0", life=2)
    next_life.settle()
    assert first.table.member("demo-0").holder == "demo-0/2"
    first.table.now += TIMINGS.renew_deadline + 0.1  # so that the second has to renew before
    second.live(1.0)
    assert second.holds
    assert before(second).end == "resigned"


def test_one_whose_member_lease_is_gone_is_lost() -> None:
    first = holder(Table())
    second = Seat(first.table, "demo-1")
    second.live(TIMINGS.lease_duration + 1, first)
    first.table.delete("demo.member.0")
    second.live(TIMINGS.lease_duration + 2)
    assert second.holds
    assert before(second).end == "lost"
    assert first.table.records[COUNTER].former == ("demo-0/1", "lost")


def test_an_attempt_of_ones_own_that_came_to_nothing_keeps_who_was_before() -> None:
    table = Table()
    seat = Seat(table, "demo-0")
    while not seat.acquires():
        seat.pass_time(0.1)
        if seat.requests and not seat.acquires():
            seat.serve()
            seat.watch()
    acquiring = seat.requests[0]
    table.edit(replace(acquiring.lease, former=("demo-9/1", "released")))  # type: ignore[union-attr]
    seat.do(seat.election.unknown(acquiring, table.now))  # type: ignore[arg-type]
    seat.requests.clear()
    seat.do(seat.election.got(COUNTER, None, table.now))  # as if it had not landed
    seat.live(TIMINGS.lease_duration + 1)
    assert seat.holds
    assert table.records[COUNTER].former == ("demo-9/1", "released")


def test_a_renewal_is_told_once_when_the_watch_has_shown_it() -> None:
    table, heard = Table(), Listener()
    seat = Seat(table, "demo-0")
    seat.election = Election(APP, "demo-0", "demo-0/2", TIMINGS, table.fresh, observer=heard)
    seat.requests.clear()
    seat.do(seat.election.listed(LeaseSnapshot((), 0), table.now))
    seat.do(seat.election.stand(COUNTER, None, table.now))
    while not seat.requests:
        seat.pass_time(0.1)
    table.now += 0.3
    seat.serve()
    assert heard.renewals == []
    seat.watch()
    assert [round(seconds, 3) for seconds in heard.renewals] == [0.3]
    seat.watch()
    assert len(heard.renewals) == 1
