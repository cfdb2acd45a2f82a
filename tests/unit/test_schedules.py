from collections.abc import Set
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immutant.errors import DefinitionError
from immutant.schedules import Schedule


@given(
    every=st.floats(0.01, 1e6),
    anchor=st.floats(1.6e9, 2e9),
    steps=st.integers(1, 50),
    start=st.floats(-1e3, 1e7),
)
def test_walking_a_period_gives_each_instant_once_and_in_rhythm(
    every: float, anchor: float, steps: int, start: float
) -> None:
    schedule = Schedule.of(every=every)
    due = schedule.next_after(anchor + start, anchor)
    for _ in range(steps):
        assert due is not None
        following = schedule.next_after(due, anchor)
        assert following is not None
        assert following - due == pytest.approx(every, rel=1e-3, abs=1e-6)
        # Asked from anywhere between the two, the answer is the very same float.
        assert schedule.next_after(due + (following - due) / 2, anchor) == following
        due = following


def test_the_first_tick_is_at_the_anchor_or_after_the_delay() -> None:
    assert Schedule.of(every=20).next_after(0, 100) == 100
    assert Schedule.of(every=20, in_="5s").next_after(0, 100) == 105
    assert Schedule.of(in_="5s").next_after(0, 100) == 105
    assert Schedule.of(in_="5s").next_after(105, 100) is None


def test_at_is_one_run_and_the_beginning_of_a_period() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert Schedule.of(at=at).next_after(0, 0) == at.timestamp()
    assert Schedule.of(at=at).next_after(at.timestamp(), 0) is None
    assert Schedule.of(at=at, every=60).next_after(at.timestamp(), 0) == at.timestamp() + 60


def test_a_first_instant_on_a_cron_run_is_a_run() -> None:
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    schedule = Schedule.of(cron="0 12 * * *", at=noon)
    assert schedule.next_after(0, 0) == noon.timestamp()
    assert schedule.next_after(noon.timestamp(), 0) == noon.timestamp() + 86_400


def test_nothing_is_due_after_until() -> None:
    schedule = Schedule.of(every=10, until=125.0)
    assert schedule.next_after(119, 100) == 120
    assert schedule.next_after(120, 100) is None


def test_cron_is_read_in_its_time_zone_also_with_seconds_and_nicknames() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    noon = datetime(2026, 7, 1, 12, 0, tzinfo=berlin).timestamp()
    midnight = datetime(2026, 7, 2, 0, 0, tzinfo=berlin).timestamp()
    assert Schedule.of(cron="@daily", tz="Europe/Berlin").next_after(noon, 0) == midnight
    assert Schedule.of(cron="*/20 * * * * *").next_after(noon, 0) == noon + 20


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        # The hour from 2 to 3 is left out on 29 March 2026: the run comes when it would have been.
        (datetime(2026, 3, 29, 0, 0), datetime(2026, 3, 29, 3, 0)),
        # It comes twice on 25 October 2026: the run comes once, the first time.
        (datetime(2026, 10, 25, 0, 0), datetime(2026, 10, 25, 2, 30, fold=0)),
    ],
)
def test_a_daily_run_survives_both_changes_of_the_clock(
    before: datetime, expected: datetime
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    schedule = Schedule.of(cron="30 2 * * *", tz="Europe/Berlin")
    due = schedule.next_after(before.replace(tzinfo=berlin).timestamp(), 0)
    assert due == expected.replace(tzinfo=berlin).timestamp()
    after = schedule.next_after(due, 0)
    assert after is not None
    following = datetime.fromtimestamp(after, berlin)
    assert (following.date() - expected.date(), following.hour) == (timedelta(days=1), 2)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "a job needs every="),
        ({"every": 1, "cron": "* * * * *"}, "either every= or cron="),
        ({"at": 1.0, "in_": 1}, "either at= or in_="),
        ({"cron": "61 * * * *"}, r"cron='61 \* \* \* \*' is no cron expression"),
        ({"cron": "often"}, "write five fields"),
        ({"every": "soon"}, "write seconds, text like '20s'"),
        ({"every": 0}, "at least 10ms"),
        ({"every": -1}, "zero or more"),
        ({"every": 1, "tz": "Europe/Atlantis"}, "IANA name such as 'Europe/Berlin'"),
        ({"every": 1, "repeat": -1}, "how many runs follow the first"),
        ({"every": 1, "repeat": "3"}, "how many runs follow the first"),
        ({"at": "2030-01-01"}, "is no instant; write a datetime"),
        ({"every": 1, "until": float("nan")}, "is no instant; write a datetime"),
        ({"every": 1, "misfire": "later"}, "must be one of skip, latest, all"),
        ({"every": 1, "interrupted": "ignore"}, "must be one of rerun, record"),
        ({"every": 1, "overlap": "maybe"}, "must be one of skip, queue, allow, cancel"),
        ({"every": 1, "jitter": 1}, "must be shorter than every"),
        ({"every": 1, "timeout": 0}, "must be more than zero"),
        ({"every": 1, "retries": -1}, "how often a failed run is tried again"),
        ({"at": 1e15}, "is no instant; write a datetime"),
        ({"at": 1.0, "repeat": 3}, "add every=, or leave repeat= out"),
        ({"in_": 1, "repeat": 0}, "add every=, or leave repeat= out"),
        ({"every": 1, "at": 2.0, "until": 1.0}, "until=1.0 is before at=2.0"),
        (
            {"every": 1, "misfire": "all", "overlap": "cancel"},
            "misfire='latest', or overlap='queue'",
        ),
    ],
)
def test_what_cannot_be_a_schedule_is_refused_with_what_to_write(
    wrong: dict[str, object], said: str
) -> None:
    with pytest.raises(DefinitionError, match=said):
        Schedule.of(**wrong)  # type: ignore[arg-type]


def test_a_schedule_survives_its_journey_as_json() -> None:
    schedule = Schedule.of(cron="@hourly", tz="Asia/Tokyo", repeat=3, misfire="all", window="5m")
    assert Schedule.from_json(schedule.to_json()) == schedule
    assert Schedule.of(every=1).fingerprint != Schedule.of(every=2).fingerprint
    with pytest.raises(DefinitionError, match="this is no schedule"):
        Schedule.from_json("[]")


def test_what_the_version_before_took_is_still_the_same_schedule() -> None:
    for written in (
        replace(Schedule.of(at=2.0), until=1.0, repeat=3),
        replace(Schedule.of(every=2, overlap="cancel"), misfire="all"),
    ):
        assert Schedule.from_json(written.to_json()) == written


def plain_runs(
    minutes: Set[int], hours: Set[int] | None, zone: ZoneInfo, begin: int, end: int
) -> list[float]:
    """The runs of a cron expression, minute by minute; `hours` None: at all of them.

    A run at every hour follows the clock, also through an hour that comes twice. One at given hours
    comes once a day: the first time of two, and right after a gap that would have had it.
    """
    local = {now: datetime.fromtimestamp(now, zone) for now in range(begin, end, 60)}
    if hours is None:
        return [float(now) for now, time in local.items() if time.minute in minutes]
    runs = set()
    for day in {time.date() for time in local.values()}:
        times = [(now, time.hour, time.minute) for now, time in local.items() if time.date() == day]
        for hour in hours:
            for minute in minutes:
                found = [now for now, h, m in times if (h, m) == (hour, minute)]
                after = [now for now, h, m in times if (h, m) > (hour, minute)]
                runs |= {float(min(found or after))} if found or after else set()
    return sorted(runs)


CHANGES = {
    ("Europe/Berlin", "forward"): datetime(2026, 3, 29, tzinfo=ZoneInfo("Europe/Berlin")),
    ("Europe/Berlin", "back"): datetime(2026, 10, 25, tzinfo=ZoneInfo("Europe/Berlin")),
    # Half an hour of daylight saving time, in a zone of half hours.
    ("Lord Howe", "forward"): datetime(2026, 10, 4, tzinfo=ZoneInfo("Australia/Lord_Howe")),
    ("Lord Howe", "back"): datetime(2026, 4, 5, tzinfo=ZoneInfo("Australia/Lord_Howe")),
    ("Kolkata", "never"): datetime(2026, 4, 5, tzinfo=ZoneInfo("Asia/Kolkata")),
}


@pytest.mark.parametrize("midnight", CHANGES.values(), ids=[" ".join(one) for one in CHANGES])
@pytest.mark.parametrize(
    ("cron", "minutes", "hours"),
    [
        ("*/15 * * * *", {0, 15, 30, 45}, None),
        ("20 * * * *", {20}, None),
        ("30 2 * * *", {30}, {2}),
        ("15,45 1,2 * * *", {15, 45}, {1, 2}),
        ("0 3 * * *", {0}, {3}),
    ],
)
def test_cron_is_what_a_walk_through_the_minutes_gives_also_where_clocks_change(
    midnight: datetime, cron: str, minutes: set[int], hours: set[int] | None
) -> None:
    zone = midnight.tzinfo
    assert isinstance(zone, ZoneInfo)
    begin = int(midnight.timestamp())
    end = int((midnight + timedelta(days=2)).timestamp())
    schedule, found = Schedule.of(cron=cron, tz=zone.key), []
    due = schedule.next_after(begin - 1.0, 0)
    while due is not None and due < end:
        found.append(due)
        due = schedule.next_after(due, 0)
    assert found == plain_runs(minutes, hours, zone, begin, end)


def test_jitter_is_the_same_for_everybody_and_less_than_asked_for() -> None:
    schedule = Schedule.of(every=60, jitter=30)
    late = [schedule.late_by(1.8e9 + 60 * n, "job") for n in range(200)]
    assert late == [schedule.late_by(1.8e9 + 60 * n, "job") for n in range(200)]
    assert 0 <= min(late) < 5
    assert 25 < max(late) < 30
    assert late[0] != schedule.late_by(1.8e9, "another")


def test_a_backfill_finds_the_rhythm_before_the_job_was_known() -> None:
    schedule = Schedule.of(every=60, in_=10)
    assert schedule.beat_after(700, 1000) == 710
    assert schedule.beat_after(710, 1000) == 770
    assert Schedule.of(at=500.0).beat_after(400, 1000) == 500
    assert Schedule.of(at=500.0).beat_after(500, 1000) is None


def test_what_only_says_how_a_run_is_run_makes_no_other_schedule() -> None:
    plain = Schedule.of(every=20)
    other = Schedule.of(every=20, overlap="allow", timeout=5, retries=3, jitter=1, backoff=2)
    assert other.fingerprint == plain.fingerprint
    assert Schedule.from_json(other.to_json()) == other
