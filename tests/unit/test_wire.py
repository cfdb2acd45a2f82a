import json

import pytest

from immutant.errors import CoordinatorError
from immutant.link import Event, Granted, Heartbeat, Revoked, Stopping, TickDue
from immutant.wire import decode_event, encode_event

EVENTS: list[Event] = [
    Granted("t", "12", 1.5),
    Heartbeat(2.5),
    Stopping("why", 10.0),
    Revoked("why"),
    TickDue("job/1", 1.0, 2, 3.0),
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
