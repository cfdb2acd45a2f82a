"""What the environment asks for."""

import pytest

from immutant.telemetry.asked import exporters, is_disabled, why

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({}, ()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, ()),
        (ENDPOINT, ("otlp_proto_http",)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:1/v1/traces"}, ("otlp_proto_http",)),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ("otlp_proto_http",)),
        ({"OTEL_TRACES_EXPORTER": "none", **ENDPOINT}, ()),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ("console", "otlp_proto_http")),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", **ENDPOINT}, ("otlp_proto_grpc",)),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ()),
        ({"OTEL_METRICS_EXPORTER": "otlp"}, ()),
    ],
)
def test_an_exporter_or_an_endpoint_asks_for_traces(
    environ: dict[str, str], names: tuple[str, ...]
) -> None:
    assert exporters(environ) == names


@pytest.mark.parametrize(("value", "disabled"), [("true", True), ("TRUE", True), ("", False)])
def test_the_sdk_can_be_disabled(value: str, disabled: bool) -> None:
    assert is_disabled({"OTEL_SDK_DISABLED": value}) is disabled


def test_what_asks_is_said_as_it_was_set() -> None:
    assert why(ENDPOINT) == "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318"
