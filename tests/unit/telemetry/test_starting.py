"""Beginning to trace, and what keeps it from that."""

import logging
import subprocess
import sys
from typing import Any

import pytest

from immutant.telemetry import Identity, start
from immutant.telemetry.provider import resource_of
from immutant.tracing import OFF

ASKED = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
WHO = Identity("shop", "shop-0", "prod")


def said_by(code: str) -> str:
    """What a process of its own prints: a tracer provider is set once in a process."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout + done.stderr


def test_without_the_extra_it_is_said_what_to_install_and_nothing_is_traced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "immutant.telemetry.provider", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with caplog.at_level(logging.WARNING):
        telemetry = start(WHO, ASKED)
    assert telemetry.tracer is OFF
    (warning,) = caplog.messages
    assert warning.startswith("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9 asks for traces")
    assert "add immutant[tracing] to the application's requirements" in warning


def test_an_exporter_that_no_package_has_is_named_with_those_that_there_are(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        telemetry = start(WHO, {"OTEL_TRACES_EXPORTER": "pigeon"})
    assert telemetry.tracer is OFF
    (warning,) = caplog.messages
    assert "OTEL_TRACES_EXPORTER=pigeon" in warning
    assert "no installed package has an exporter 'pigeon' (there are: console, " in warning


def test_a_provider_of_the_users_own_is_used_and_not_replaced() -> None:
    said = said_by("""
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from immutant.telemetry import Identity, start
own, kept = TracerProvider(), InMemorySpanExporter()
own.add_span_processor(SimpleSpanProcessor(kept))
trace.set_tracer_provider(own)
for environ in ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, {}):
    with start(Identity("shop", "shop-0"), environ).tracer.sending("send", "q", 1):
        pass
print(trace.get_tracer_provider() is own, [span.name for span in kept.get_finished_spans()])
""")
    assert said == "True ['send q', 'send q']\n"


def test_a_library_that_only_knows_of_opentelemetry_asks_for_nothing() -> None:
    said = said_by("""
import opentelemetry.trace, sys
from immutant.telemetry import Identity, start
from immutant.tracing import OFF
print(start(Identity("shop", "shop-0"), {}).tracer is OFF, "opentelemetry.sdk" in sys.modules)
""")
    assert said == "True False\n"


def test_a_propagator_that_is_not_there_keeps_nobody_from_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_PROPAGATORS", "pigeon")
    said = said_by("""
from immutant.telemetry import Identity, start
start(Identity("shop", "shop-0"), {"OTEL_TRACES_EXPORTER": "console"})
""")
    assert "the application runs on without" in said


def test_spans_are_of_the_application_its_replica_and_its_pod(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known: Any = resource_of(WHO).attributes
    wanted = {
        "service.name": "shop",
        "service.instance.id": "shop-0",
        "k8s.namespace.name": "prod",
        "k8s.pod.name": "shop-0",
    }
    assert {name: known[name] for name in wanted} == wanted
    assert "k8s.pod.name" not in resource_of(Identity("shop", "shop-0")).attributes
    monkeypatch.setenv("OTEL_SERVICE_NAME", "front")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.version=2,service.instance.id=mine")
    told: Any = resource_of(WHO).attributes
    names = ("service.name", "service.version", "service.instance.id")
    assert [told[name] for name in names] == ["front", "2", "mine"]
