"""Rule 12's commands, each against the execution that would lose one, or a claim, or a tenure."""

from dataclasses import replace
from typing import Any

from tests.unit.election.table import TIMINGS, Seat, Table, holder

from immutant.election import Put
from immutant.election.commands import commanded
from immutant.election.jobstate import JobState
from immutant.election.ticks import Ticker
from immutant.election.view import View
from immutant.leases import Lease, LeaseEvent, LeaseSnapshot
from immutant.link import Command, Outcome, TickDue, Verb
from immutant.schedules import Schedule

JOB = "demo.job.j"


def job_holder(table: Table, **schedule: Any) -> Seat:
    """A member that holds the job, and has been told of its first tick."""
    seat = holder(table)
    ticker = Ticker("j", Schedule.of(**schedule), member="demo-0")
    seat.do(seat.election.stand(JOB, ticker, table.now))
    for _ in range(200):
        seat.live(0.1)
        if ticks(seat):
            return seat
    raise AssertionError("nothing was claimed")


def ticks(seat: Seat) -> list[TickDue]:
    return [event for _, event in seat.heard if isinstance(event, TickDue)]


def state(table: Table) -> JobState:
    found = JobState.from_body(table.records[JOB].body)
    assert found is not None
    return found


def command(table: Table, verb: Verb, key: str = "") -> None:
    """As a member that does not hold the job does it: the body changes, and nothing else."""
    wanted = commanded(state(table), Command(verb, key), table.now)
    table.edit(replace(table.records[JOB], body=wanted.to_body()))


def end_first(seat: Seat) -> Put:
    """The first run has ended: the write that says so waits to be served."""
    first = ticks(seat)[0]
    seat.do(seat.election.done(JOB, outcome(first), seat.table.now))
    put = seat.requests[-1]
    assert isinstance(put, Put)
    return put


def outcome(due: TickDue) -> Outcome:
    return Outcome(due.id, "", due.attempt)


def test_a_command_that_the_watch_shows_is_gone_on_from() -> None:
    seat = job_holder(table := Table(), every=600)
    command(table, "trigger", "k")
    seat.live(0.1)
    end_first(seat)
    seat.live(0.2)
    assert [due.id.endswith("/trigger-k") for due in ticks(seat)] == [False, True]


def test_a_command_that_came_before_ones_own_write_is_not_written_over() -> None:
    """The holder's next body was made from one without the command: it must not stand."""
    seat = job_holder(table := Table(), every=600)
    end_first(seat)
    command(table, "pause")
    seat.settle()
    seat.live(1.0)
    assert state(table).paused
    assert state(table).ticks == ()
    assert [run.outcome for run in state(table).runs] == ["ok"]


def test_a_claim_whose_reply_was_lost_is_told_though_a_command_came_after_it() -> None:
    """The record is not as it was written, and yet it was: the write-id says so."""
    seat = job_holder(table := Table(), every=600)
    command(table, "trigger", "k")
    end_first(seat)
    while not state(table).ticks or not state(table).ticks[0].key:
        table.now += 0.1
        seat.watch()
        seat.do(seat.election.wake(table.now))
        while seat.requests:
            seat.serve(lose_reply=isinstance(seat.requests[0], Put))
            if state(table).ticks and state(table).ticks[0].key and not state(table).paused:
                command(table, "pause")
    seat.settle()
    assert [due.attempt for due in ticks(seat) if due.id.endswith("/trigger-k")] == [1]
    assert state(table).paused


def test_a_run_that_goes_on_is_not_claimed_beside_itself_after_unschedule_and_resume() -> None:
    table = Table()
    seat = job_holder(table, every=60, at=table.now - 1, overlap="allow")
    for verb in ("unschedule", "resume"):
        command(table, verb)
        seat.live(1.0)
    assert len(ticks(seat)) == 1


def test_a_claim_whose_reply_was_lost_is_told_though_the_job_was_unscheduled_after_it() -> None:
    seat = job_holder(table := Table(), every=600)
    end_first(seat)
    seat.settle()
    command(table, "trigger", "k")
    seat.watch()
    seat.do(seat.election.wake(table.now))
    seat.serve(lose_reply=True)
    command(table, "unschedule")
    seat.live(2.0)
    assert [due.attempt for due in ticks(seat) if due.id.endswith("/trigger-k")] == [1]


def test_a_release_after_a_command_keeps_it_for_the_successor() -> None:
    seat = job_holder(table := Table(), every=600)
    seat.do(seat.election.drain("a test", 1.0, table.now))
    command(table, "pause")
    nonce = table.records[JOB].nonce
    seat.do(seat.election.stopped(JOB, nonce, table.now))
    seat.settle()
    seat.live(1.0)
    assert table.records[JOB].released == nonce
    assert state(table).paused


def test_an_end_that_could_not_be_written_is_written_later() -> None:
    seat = job_holder(table := Table(), every=600)
    end_first(seat)
    table.edit(replace(table.records[JOB], body="edited"))
    seat.settle()
    seat.live(1.0)
    assert state(table).ticks == ()
    assert [run.outcome for run in state(table).runs] == ["ok"]


def test_a_command_makes_a_record_that_was_only_listed_no_better_known() -> None:
    """It may be an old record, put back by hand over a holder that runs on (rule a)."""
    view = View("demo", TIMINGS.lease_duration, absence_is_proof=False)
    lease = Lease(JOB, 7, "demo-0/1", "demo-0", "n1", "w1", released="n1", duration=4.0)
    view.reset(LeaseSnapshot([lease], 7), now=100.0)
    view.apply(LeaseEvent(JOB, 8, replace(lease, version=8, body="{}")), now=101.0)
    assert not view.is_free(JOB, set(), now=103.9)
    assert view.is_free(JOB, set(), now=104.0)
    written = replace(lease, version=9, write="w2")
    view.apply(LeaseEvent(JOB, 9, written), now=104.1)
    assert view.is_free(JOB, set(), now=104.1)
