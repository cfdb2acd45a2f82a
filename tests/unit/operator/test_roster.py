"""What the operator reads from the Leases that sidecars write, and from what hands make of them."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.operator.leases import OWNER, START, job, member, singleton, written

from immutant.election.jobstate import JobState, OpenTick
from immutant.kube.records import Owner
from immutant.leases import Lease
from immutant_operator.roster import JobRecord, Roster, Singleton, Tenure

COUNTER = Singleton("daemon", "counter")
AJOB = Singleton("job", "send.mail")


def read(*leases: Any) -> Roster:
    return Roster.read("demo", "uid-1", leases)


def test_a_tenure_is_told_with_who_was_before_and_how_that_ended() -> None:
    before = ("demo-0/uid/1", "expelled")
    found = read(member(1), singleton("demo.daemon.counter", 1, former=before))
    assert found.tenures == (
        Tenure(COUNTER, "demo-1", "2027-01-15T08:00:00Z", "demo-0", "expelled"),
    )


def test_a_first_tenure_has_nobody_before() -> None:
    (tenure,) = read(member(0), singleton("demo.daemon.counter", 0)).tenures
    assert (tenure.before, tenure.end) == ("", "")


@pytest.mark.parametrize(
    "leases",
    [
        (member(0), singleton("demo.daemon.counter", 0, released=True)),
        (member(0, ended="expelled"), singleton("demo.daemon.counter", 0)),
        (member(0, ended="resigned"), singleton("demo.daemon.counter", 0)),
        (member(0, life=2), singleton("demo.daemon.counter", 0, life=1)),
        (singleton("demo.daemon.counter", 0),),
    ],
)
def test_who_has_given_it_back_or_does_not_live_holds_nothing(leases: Any) -> None:
    assert read(*leases).tenures == ()


def test_leases_of_a_former_app_of_the_name_are_left_out() -> None:
    lease = Lease("demo.daemon.counter", holder="demo-0/uid/1", member="demo-0", nonce="n")
    foreign = written(lease, owner=Owner("apps", "demo", "uid-0"))
    assert read(foreign) == Roster()


def test_a_job_tells_how_its_last_run_ended() -> None:
    body = job("ok", "ValueError: " + "no" * 200, running=True)
    found = read(member(0), singleton("demo.job.send.mail", 0, body=body))
    (record,) = found.jobs
    assert record.name == "send.mail"
    assert (record.due, record.ended) == ("2027-01-15T08:00:01Z", "2027-01-15T08:00:02Z")
    assert record.outcome.startswith("ValueError: no")
    assert len(record.outcome) == 200
    assert record.running == 1
    assert [one.singleton for one in found.tenures] == [AJOB]


def test_a_job_that_never_ran_or_that_nobody_holds_is_told_too() -> None:
    fresh = singleton("demo.job.fresh", 0, released=True)
    assert read(member(0), fresh).jobs == (JobRecord("fresh"),)


def test_a_state_is_read_by_the_names_of_its_own_version() -> None:
    body = json.dumps(
        {
            "open": None,
            "runs": [],
            "ticks": [{"due": START, "attempt": 1}, {"due": START, "attempt": 1, "key": "x"}],
            "ran": [{"due": START, "attempt": 1, "ended": START + 1, "outcome": "cancelled"}],
        }
    )
    (record,) = read(singleton("demo.job.ajob", 0, body=body)).jobs
    moments = "2027-01-15T08:00:00Z", "2027-01-15T08:00:01Z"
    assert record == JobRecord("ajob", *moments, "cancelled", 2)
    before = {
        "open": {"due": START, "attempt": 1},
        "runs": [{"due": START, "attempt": 1, "ended": START + 1, "outcome": "ok"}],
    }
    (record,) = read(singleton("demo.job.ajob", 0, body=json.dumps(before))).jobs
    assert record == JobRecord("ajob", *moments, "ok", 1)


def test_a_tick_that_waits_to_be_tried_again_does_not_run() -> None:
    ticks = (OpenTick(START, 1), OpenTick(START + 1, 1, failures=1, retry=START + 9))
    body = JobState("print", START, ticks=ticks).to_body()
    (record,) = read(singleton("demo.job.ajob", 0, body=body)).jobs
    assert record.running == 1


def test_what_a_member_would_rather_leave_to_others_fails_there() -> None:
    body = json.dumps({"avoids": ["demo.daemon.counter", "demo.member.0", "?", 7]})
    assert read(member(1, body=body)).failing == ((COUNTER, "demo-1"),)
    assert read(member(1, body=body, ended="expelled")).failing == ()
    assert read(member(1, body="draining")).failing == ()


@pytest.mark.parametrize(
    ("note", "text"),
    [
        ("former", "no json"),
        ("former", "[1]"),
        ("body", "[" * 100_000),
        ("body", '{"runs": 7, "open": []}'),
        ("body", '{"runs": [{"due": 1e300, "ended": true, "outcome": 3}]}'),
        ("body", '{"runs": [{"due": NaN}]}'),
        ("record", "demo"),
        ("member", ""),
    ],
)
def test_what_a_hand_wrote_keeps_nobody_from_reading_the_rest(note: str, text: str) -> None:
    edited = copy.deepcopy(singleton("demo.job.ajob", 0, body=job("ok")))
    edited["metadata"]["annotations"][f"immutant.org/{note}"] = text
    found = read(edited, member(0), singleton("demo.daemon.counter", 0))
    assert COUNTER in [one.singleton for one in found.tenures]
    for one in found.jobs:
        assert one.due == "" or one.due.endswith("Z")


@pytest.mark.parametrize("acquired", [None, "", "yesterday", "0001-01-01T00:00:00+14:00"])
def test_a_lease_that_does_not_say_since_when_is_no_tenure(acquired: str | None) -> None:
    edited = singleton("demo.daemon.counter", 0)
    edited["spec"]["acquireTime"] = acquired
    assert read(member(0), edited).tenures == ()


def test_no_name_is_longer_than_the_definition_allows() -> None:
    lease = Lease("demo.daemon." + "x" * 5000, holder="h/u/1", member="h", nonce="n")
    found = read(member(0), written(replace(lease, holder="demo-0/uid/1", member="demo-0")))
    assert len(found.tenures[0].singleton.name) == 253
    assert OWNER.uid == "uid-1"
