"""Traces of real processes: `immutant run` with two replicas, and a collector on loopback."""

import json
import time
import urllib.request
from pathlib import Path

import pytest
from tests.integration.telemetry.collector import collector, silence
from tests.log import Line
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
    run.wait_for("handled", 1)


def test_a_request_and_the_message_that_it_sends_to_another_replica_are_one_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as collected:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collected.url)
        with laptop(tmp_path, APP, 2) as run:
            run.until_up(2)
            order(run)
            assert run.interrupt() == 0  # what is not sent yet is sent at the end
        handled = collected.wait_for("process orders")
        sent = next(
            one for one in collected.spans if one.span.span_id == handled.span.parent_span_id
        )
        asked = next(one for one in collected.spans if one.span.span_id == sent.span.parent_span_id)
        ran = collected.wait_for("job once")
    assert sent.span.name == "send orders"
    assert asked.span.name == "GET /order/{name}"
    assert handled.span.trace_id == sent.span.trace_id == asked.span.trace_id
    assert handled.attributes["messaging.message.id"] == sent.attributes["messaging.message.id"]
    assert [one.resource["service.instance.id"] for one in (asked, sent, handled)] == [
        *("demo-0", "demo-0", "demo-1")
    ]
    assert {one.resource["service.name"] for one in collected.spans} == {"demo"}
    assert ran.span.trace_id != asked.span.trace_id
    assert not ran.span.parent_span_id
    assert "GET /" not in {one.span.name for one in collected.spans}  # checks have no spans


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
        assert len(losses(run)) == 1
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


def losses(run: Laptop) -> list[Line]:
    """The words about traces that do not get out."""
    word = "traces may get lost, the application runs on: Transient error"
    return [line for line in run.lines if word in line.text]


def stopped_within(run: Laptop, limit: float) -> bool:
    """Stop the run, gracefully; whether it took less than so many seconds."""
    began = time.monotonic()
    assert run.interrupt() == 0
    return time.monotonic() - began < limit
