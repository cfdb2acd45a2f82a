import json

import pytest

from immutant.errors import CoordinatorError
from immutant.link import (
    Event,
    Granted,
    Heartbeat,
    JobStatus,
    Probe,
    Revoked,
    Stopping,
    TickDue,
    TickOvertaken,
    TickRun,
)
from immutant.wire import decode_event, decode_job, encode_event, encode_job

EVENTS: list[Event] = [
    Granted("t", "12", 1.5),
    Heartbeat(2.5),
    Stopping("why", 10.0),
    Revoked("why"),
    TickDue("job/1", 1.0, 2, 3.0),
    TickOvertaken("job/1"),
    Probe(),
]


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_survives_its_journey(event: Event) -> None:
    assert decode_event(json.loads(encode_event(event))) == event


def test_what_a_newer_coordinator_adds_is_left_out() -> None:
    line = {"event": "heartbeat", "not_after": 2.5, "weather": "fine"}
    assert decode_event(line) == Heartbeat(2.5)
    assert decode_event({"event": "weather", "fine": True}) is None


def test_what_is_no_event_is_said_whole() -> None:
    with pytest.raises(CoordinatorError, match="'event': 'heartbeat'"):
        decode_event({"event": "heartbeat"})


def test_a_job_survives_its_journey_and_what_a_newer_coordinator_adds_is_left_out() -> None:
    run = TickRun("job/1", 1.0, 2, started=1.1, ended=1.2, member="demo-0", outcome="ok")
    job = JobStatus("job", paused=True, ticks=7, runs=(run, run), holder="demo-0")
    found = json.loads(json.dumps(encode_job(job)))
    assert decode_job(found) == job
    found["runs"][0]["weather"] = found["weather"] = "fine"
    assert decode_job(found) == job
    with pytest.raises(CoordinatorError, match="what is no job"):
        decode_job({"name": "job"})
