"""Traces of real processes: `immutant run` with two replicas, and a collector on loopback."""

import json
import time
import urllib.request
from pathlib import Path

import pytest
from tests.integration.telemetry.collector import Collector, Seen, collector, silence
from tests.processes import free_port
from tests.walk.laptop import Laptop, laptop

APP = Path(__file__).parent / "traced.py"
GRACE = 10.0
PATIENT_EXPORT = 9.0
"""Seconds, fewer than an exporter waits for an answer: 10."""


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the shell that runs the tests asks for is not what they are about."""
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)


def ask(run: Laptop, path: str, replica: str = "") -> str:
    """Ask until that replica has answered; any without one."""
    while True:
        with urllib.request.urlopen(run.url(path), timeout=20) as answer:
            text: str = answer.read().decode()
        if replica in text:
            return text


def order(run: Laptop) -> None:
    """Order on the replica that handles no orders, so that both have a part in it."""
    ask(run, "/order/one", "demo-0")
    run.until(lambda: "demo-0" in str(run.said("handled")), "it is handled")


def test_a_request_and_the_message_that_it_sends_to_another_replica_are_one_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as collected:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collected.url)
        with laptop(tmp_path, APP, 2) as run:
            run.until_up(2)
            order(run)
            assert run.interrupt() == 0  # what is not sent yet is sent at the end
    (asked, sent, handled), *_ = [way for way in ways(collected) if way[0].replica == "demo-0"]
    assert [one.span.name for one in (asked, sent)] == ["GET /order/{name}", "send orders"]
    assert (sent.replica, handled.replica) == ("demo-0", "demo-1")
    assert {one.span.trace_id for one in (asked, sent, handled)} == {asked.span.trace_id}
    assert handled.attributes["messaging.message.id"] == sent.attributes["messaging.message.id"]
    assert {one.resource["service.name"] for one in collected.spans} == {"demo"}
    ran = collected.named("job once")[0]
    assert (ran.span.trace_id != asked.span.trace_id, ran.span.parent_span_id) == (True, b"")
    assert not collected.named("GET /")  # checks have no spans


def ways(collected: Collector) -> list[list[Seen]]:
    """The spans from a beginning to each handled order."""
    by_id = {one.span.span_id: one for one in collected.spans}
    found = []
    for handled in collected.named("process orders"):
        way = [handled]
        while (parent := by_id.get(way[0].span.parent_span_id)) is not None:
            way.insert(0, parent)
        found.append(way)
    return found


@pytest.mark.parametrize("disabled", ["", "true"])
def test_without_being_asked_or_when_disabled_nothing_is_loaded_and_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disabled: str
) -> None:
    with collector() as collected:
        if disabled:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collected.url)
            monkeypatch.setenv("OTEL_SDK_DISABLED", disabled)
        with laptop(tmp_path, APP, 1) as run:
            run.until_up()
            ask(run, "/order/one")
            assert json.loads(ask(run, "/modules")) == []
            assert run.interrupt() == 0
    assert collected.requests == 0


def test_a_collector_that_is_not_there_costs_a_word_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    with laptop(tmp_path, APP, 1) as run:
        run.until_up()
        ask(run, "/order/one")
        run.until(lambda: bool(losses(run)), "it is said that traces may get lost")
        ask(run, "/order/two")
        assert stopped_within(run, GRACE)
        (said,) = losses(run)
        assert "traces may get lost, the application runs on: Transient error" in said
        assert not [line for line in run.lines if "Traceback" in line.text]


def test_a_collector_that_never_answers_holds_up_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with silence() as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        with laptop(tmp_path, APP, 1) as run:
            run.until_up()
            began = time.monotonic()
            ask(run, "/order/one")
            assert time.monotonic() - began < PATIENT_EXPORT
            assert stopped_within(run, PATIENT_EXPORT)
            assert not [line for line in run.lines if "Traceback" in line.text]


def losses(run: Laptop) -> list[str]:
    """What is said of a collector that cannot be reached, by whomever."""
    return [line.text for line in run.lines if "Transient error" in line.text]


def stopped_within(run: Laptop, limit: float) -> bool:
    """Stop the run, gracefully; whether it took less than so many seconds."""
    began = time.monotonic()
    assert run.interrupt() == 0
    return time.monotonic() - began < limit
