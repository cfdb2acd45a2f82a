"""What OpenTelemetry's standard variables ask for.

Belongs here: whether to trace, and by which exporter. Pure: loads nothing. Not here: all that
OpenTelemetry reads by itself: endpoints, headers, samplers, limits, propagators.
"""

from collections.abc import Mapping
from typing import Final

__all__ = ["exporters", "is_disabled", "why"]

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_CHOICE: Final = "OTEL_TRACES_EXPORTER"
_OTLP: Final = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
"""The names under which packages register their exporters, by protocol."""


def is_disabled(environ: Mapping[str, str]) -> bool:
    """Whether OTEL_SDK_DISABLED forbids tracing, whoever asks for it."""
    return environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def exporters(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The registered names of the exporters that are asked for; none: nobody asks for traces.

    OTEL_TRACES_EXPORTER names them. Without it an endpoint for OTLP asks for that.
    """
    chosen = environ.get(_CHOICE, "")
    if not chosen:
        chosen = "otlp" if any(environ.get(name) for name in _ENDPOINTS) else "none"
    names = [name.strip() for name in chosen.split(",")]
    return tuple(
        _otlp(environ) if name == "otlp" else name for name in names if name not in ("", "none")
    )


def why(environ: Mapping[str, str]) -> str:
    """The setting that asks for traces, in the words of a shell."""
    named = (_CHOICE, *_ENDPOINTS)
    return next((f"{name}={environ[name]}" for name in named if environ.get(name)), "")


def _otlp(environ: Mapping[str, str]) -> str:
    protocol = next((environ[name] for name in _PROTOCOLS if environ.get(name)), "http/protobuf")
    return _OTLP.get(protocol, protocol)
