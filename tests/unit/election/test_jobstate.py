"""The body of a job's lease: of this version, of the one before and after, and of any hand."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from immutant.election.jobstate import (
    MOST_ASKED,
    MOST_OPEN,
    RUNS_KEPT,
    Asked,
    JobState,
    OpenTick,
    Run,
    tick_id,
)
from immutant.election.ticks import Ticker
from immutant.schedules import Schedule

DUE = 1_800_000_000.0

BEFORE = (
    '{"schedule":"b08a5d84d3b6b8f7","anchor":1800000000.0,"last":1800000040.0,"count":3,'
    '"open":{"due":1800000040.0,"attempt":2},'
    '"runs":[{"due":1800000020.0,"attempt":1,"ended":1800000021.5,"outcome":"ok"}]}'
)
"""What the version before wrote for a job of every=20."""


def the_version_before(body: str) -> tuple[Any, ...] | None:
    """How the version before read a body."""
    try:
        raw = json.loads(body)
        opened = raw["open"]
        return (
            str(raw["schedule"]),
            float(raw["anchor"]),
            None if raw["last"] is None else float(raw["last"]),
            int(raw["count"]),
            None if opened is None else _exactly(opened, "due", "attempt"),
            tuple(_exactly(run, "due", "attempt", "ended", "outcome") for run in raw["runs"]),
        )
    except (ValueError, TypeError, KeyError):
        return None


def _exactly(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    if set(fields) != set(names):
        raise TypeError(f"unexpected: {fields}")
    return fields


instants = st.floats(1.6e9, 2.5e9)
texts = st.text(max_size=30)
open_ticks = st.builds(
    OpenTick,
    due=instants,
    attempt=st.integers(1, 9),
    key=texts,
    began=instants,
    member=texts,
    failures=st.integers(0, 5),
    retry=st.none() | instants,
    final=st.booleans(),
)
runs = st.builds(Run, instants, st.integers(1, 9), instants, texts, texts, instants, texts)
states = st.builds(
    JobState,
    schedule=texts,
    anchor=instants,
    last=st.none() | instants,
    count=st.integers(0, 10**6),
    ticks=st.lists(open_ticks, max_size=MOST_OPEN).map(tuple),
    runs=st.lists(runs, max_size=RUNS_KEPT).map(tuple),
    asked=st.lists(
        st.builds(Asked, texts, instants, st.none() | instants), max_size=MOST_ASKED
    ).map(tuple),
    paused=st.booleans(),
    unscheduled=st.booleans(),
    queued=st.none() | instants,
)


@settings(deadline=None)
@given(state=states)
def test_a_state_survives_its_journey_and_the_version_before_can_read_it(state: JobState) -> None:
    body = state.to_body()
    assert JobState.from_body(body) == state
    before = the_version_before(body)
    assert before is not None
    assert before[:4] == (state.schedule, state.anchor, state.last, state.count)


def test_after_a_rollback_the_version_before_finds_the_rhythm_and_the_open_tick() -> None:
    ticker = Ticker("job", Schedule.of(every=20), member="demo-0")
    ticker.begin("")
    body = ticker.propose(DUE, claim=True)
    assert body is not None
    assert the_version_before(body) == (
        *(Schedule.of(every=20).fingerprint, DUE, DUE, 1),
        {"due": DUE, "attempt": 1},
        (),
    )


def test_a_body_of_the_version_before_is_gone_on_from_and_written_anew_at_once() -> None:
    schedule = Schedule.of(every=20)
    assert schedule.fingerprint == "b08a5d84d3b6b8f7", "else every job begins anew at an update"
    assert not JobState.takes_commands(BEFORE)
    ticker = Ticker("job", schedule, member="demo-0")
    ticker.begin(BEFORE)
    body = ticker.propose(DUE + 50, claim=True)
    assert body is not None
    assert JobState.takes_commands(body)
    due = ticker.committed(body, 1e12)
    assert due is not None
    assert (due.id, due.attempt) == (tick_id("job", DUE + 40), 3)
    state = JobState.from_body(body)
    assert state is not None
    assert [run.outcome for run in state.runs] == ["ok", "interrupted"]
    assert (state.anchor, state.count) == (DUE, 3)


def test_a_body_of_the_version_before_with_nothing_to_do_is_written_anew_too() -> None:
    idle = json.dumps(json.loads(BEFORE) | {"open": None})
    ticker = Ticker("job", Schedule.of(every=20), member="demo-0")
    ticker.begin(idle)
    body = ticker.propose(DUE + 41, claim=True)
    assert body is not None
    assert JobState.takes_commands(body)
    assert ticker.committed(body, 1e12) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(deadline=None)
@given(
    state=states,
    field=st.sampled_from(sorted(json.loads(JobState("", 0.0).to_body()))),
    value=json_values,
)
def test_whatever_a_hand_writes_the_ticker_goes_on(
    state: JobState, field: str, value: object
) -> None:
    body = json.dumps(json.loads(state.to_body()) | {field: value})
    ticker = Ticker("job", Schedule.of(cron="*/5 * * * *", overlap="allow"), member="demo-0")
    ticker.begin(body)
    for step in range(6):
        proposed = ticker.propose(DUE + step, claim=True)
        if proposed is not None:
            assert JobState.from_body(proposed) is not None
            ticker.committed(proposed, 1e12)


@pytest.mark.parametrize(
    "body",
    ["", "edited", "[]", "{}", "null", "7", '{"form":2}', "[" * 100_000, '{"form":{}}'],
)
def test_what_is_no_state_is_none(body: str) -> None:
    assert JobState.from_body(body) is None
    assert not JobState.takes_commands(body) or "form" in body


def test_a_full_body_is_small_enough_for_an_annotation() -> None:
    ticks = tuple(
        OpenTick(DUE + n, 1, f"backfill-{'k' * 64}", DUE, "m" * 60) for n in range(MOST_OPEN)
    )
    state = JobState("f" * 16, DUE, ticks=ticks)
    for tick in ticks:
        state = state.ended(tick, DUE, "\u00e4" * 10_000, tick)
    asked = tuple(Asked(f"backfill-{n}{'k' * 63}", DUE, DUE) for n in range(MOST_ASKED))
    body = JobState("f" * 16, DUE, ticks=ticks, runs=state.runs, asked=asked).to_body()
    assert len(state.runs) == RUNS_KEPT
    assert len(body) < 24_000, "etcd and the API server take 256 KiB of annotations"


def test_an_outcome_that_is_no_utf_8_can_be_read_and_answered_with() -> None:
    """From a body of the version before, or from an application of it."""
    name = "/data/\udcff.csv"
    tick = OpenTick(DUE, 1)
    state = JobState("f", DUE, ticks=(tick,)).ended(tick, DUE, name)
    body = JobState("f", DUE, runs=(Run(DUE, 1, DUE, name),)).to_body()
    read = JobState.from_body(body)
    assert read is not None
    for run in (*state.runs, *read.runs):
        assert run.outcome.encode() == rb"/data/\udcff.csv"


def test_ids_of_asked_ticks_never_meet_those_of_the_schedule() -> None:
    ids = {tick_id("job", DUE), tick_id("job", DUE, "trigger-k"), tick_id("job", DUE, "backfill-k")}
    assert len(ids) == 3
