"""What the status says of daemons and jobs, and how often it may."""

from typing import Any

from tests.unit.operator.leases import job, member, singleton

from immutant_operator.roster import Roster
from immutant_operator.singletons import reported
from immutant_operator.spec.state import AppStatus

NOW, SOON, LATER = "2027-01-15T09:00:00Z", "2027-01-15T09:00:59Z", "2027-01-15T09:01:00Z"


def read(*leases: Any) -> Roster:
    return Roster.read("demo", "uid-1", [member(0), *leases])


def ajob(*outcomes: str) -> Roster:
    return read(singleton("demo.job.ajob", 0, body=job(*outcomes)))


def test_holders_and_jobs_are_told_in_short() -> None:
    counter = singleton("demo.daemon.counter", 0)
    found = reported(read(counter, singleton("demo.job.ajob", 0, body=job("ok"))), {}, NOW)
    since = "2027-01-15T08:00:00Z"
    assert found == {
        "singletons": 2,
        "holders": [
            {"kind": "daemon", "name": "counter", "pod": "demo-0", "since": since},
            {"kind": "job", "name": "ajob", "pod": "demo-0", "since": since},
        ],
        "failing": [],
        "jobs": [
            {
                "name": "ajob",
                "due": since,
                "ended": "2027-01-15T08:00:01Z",
                "outcome": "ok",
                "running": 0,
            }
        ],
        "jobsAsOf": NOW,
    }
    AppStatus.model_validate(found)


def test_jobs_alone_change_the_status_once_a_minute_at_most() -> None:
    first = reported(ajob("ok"), {}, NOW)
    assert reported(ajob("ok", "ValueError: no"), first, SOON) == first
    later = reported(ajob("ok", "ValueError: no"), first, LATER)
    assert later["jobs"][0]["outcome"] == "ValueError: no"
    assert later["jobsAsOf"] == LATER


def test_what_has_not_changed_keeps_its_time_for_ever() -> None:
    first = reported(ajob("ok"), {}, NOW)
    assert reported(ajob("ok"), first, "2027-02-15T09:00:00Z") == first


def test_a_calendar_that_was_set_back_does_not_stop_the_reports() -> None:
    first = reported(ajob("ok"), {}, "2099-01-01T00:00:00Z")
    assert reported(ajob("ok", "ok"), first, NOW)["jobsAsOf"] == NOW


def test_a_thousand_singletons_are_counted_and_five_hundred_named() -> None:
    leases = [singleton(f"demo.daemon.d{number:04}", 0) for number in range(1000)]
    found = reported(read(*leases), {}, NOW)
    assert found["singletons"] == 1000
    assert len(found["holders"]) == 500
