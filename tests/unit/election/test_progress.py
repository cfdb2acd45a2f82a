"""What a step of a job's state is counted as."""

from dataclasses import replace
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from immutant.election.jobstate import JobState
from immutant.election.observer import Observer
from immutant.election.progress import observe
from immutant.election.ticks import Ticker
from immutant.schedules import Misfire, Schedule

START = 1_800_000_000.0


class Listener(Observer):
    def __init__(self) -> None:
        self.outcomes: list[str] = []
        self.missed = 0

    def ran(self, job: str, outcome: str) -> None:
        assert job == "job"
        self.outcomes.append(outcome)

    def passed_over(self, job: str, ticks: int) -> None:
        self.missed += ticks


class Holder:
    """One member after the other over one record, each with a ticker that is listened to."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.heard = Listener()
        self.body = ""
        self.take_over()

    def take_over(self) -> None:
        step = partial(observe, self.heard, "job", self.schedule)
        self.ticker = Ticker("job", self.schedule, step)
        self.ticker.begin(self.body)

    def step(self, wall: float) -> str:
        """Let what is proposed land; the id of the tick that it opened."""
        body = self.ticker.propose(wall, claim=True)
        if body is None:
            return ""
        self.body = body
        due = self.ticker.committed(body, 1e12)
        return due.id if due else ""

    def run(self, wall: float, error: str = "") -> None:
        if tick := self.step(wall):
            self.ticker.done(tick, error)
            self.step(wall)


def test_an_end_is_counted_once_it_is_written_down() -> None:
    holder = Holder(Schedule.of(every=10))
    tick = holder.step(START)
    holder.ticker.done(tick, "")
    assert holder.heard.outcomes == []
    holder.step(START + 2)
    holder.run(START + 10, "ValueError: no")
    assert holder.heard.outcomes == ["ok", "ValueError: no"]


def test_a_run_that_was_cut_off_is_counted_whether_it_begins_again_or_not() -> None:
    again = Holder(Schedule.of(every=10))
    again.step(START)
    again.take_over()
    again.step(START + 3)
    assert again.heard.outcomes.count("interrupted") == 1
    recorded = Holder(Schedule.of(every=10, interrupted="record"))
    recorded.step(START)
    recorded.take_over()
    recorded.step(START + 3)
    assert recorded.heard.outcomes.count("interrupted") == 1


@settings(deadline=None)  # cron expressions are walked through, on a machine that does other work
@given(
    st.sampled_from(["skip", "latest"]),
    st.lists(st.integers(1, 300), min_size=1, max_size=12),
    st.sampled_from([Schedule.of(every=7), Schedule.of(cron="*/10 * * * * *")]),
)
def test_each_due_instant_is_claimed_or_counted_as_missed(
    misfire: Misfire, gaps: list[int], schedule: Schedule
) -> None:
    holder = Holder(replace(schedule, misfire=misfire))
    wall = START
    holder.run(wall)
    for gap in gaps:
        wall += gap
        holder.take_over()
        holder.run(wall)
    state = JobState.from_body(holder.body)
    assert state is not None
    last = state.last if state.last is not None else START - 1
    due, count = holder.schedule.next_after(START - 0.001, state.anchor), 0
    while due is not None and due <= last:
        due, count = holder.schedule.next_after(due, state.anchor), count + 1
    assert state.count + holder.heard.missed == count


def test_a_week_of_a_fast_schedule_is_counted_without_walking_through_it() -> None:
    holder = Holder(Schedule.of(every=0.01))
    holder.run(START)
    holder.take_over()
    holder.run(START + 7 * 86_400)
    assert holder.heard.missed == 7 * 86_400 * 100 - 1


def test_a_long_gap_of_a_cron_expression_is_counted_up_to_a_bound() -> None:
    holder = Holder(Schedule.of(cron="* * * * * *"))
    holder.run(START)
    holder.run(START + 1)
    holder.run(START + 86_400)
    assert 990 <= holder.heard.missed <= 1000


def test_a_new_schedule_owes_nothing_for_the_time_of_the_old_one() -> None:
    holder = Holder(Schedule.of(every=10))
    holder.run(START)
    holder.schedule = Schedule.of(every=3)
    holder.take_over()
    holder.run(START + 1000)
    assert holder.heard.missed == 0
