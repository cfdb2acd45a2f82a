"""A small collector: takes traces by OTLP over HTTP, and keeps the spans."""

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True)
class Seen:
    """One span, and what it is of."""

    span: Span
    resource: dict[str, str]

    @property
    def replica(self) -> str:
        return self.resource["service.instance.id"]

    @property
    def attributes(self) -> dict[str, str | int | float]:
        return _plain(self.span.attributes)


class Collector:
    def __init__(self) -> None:
        self.spans: list[Seen] = []
        self.requests = 0
        self.url = ""
        self._taking = threading.Lock()

    def take(self, body: bytes) -> None:
        """Keep what one request brings."""
        with self._taking:
            self.requests += 1
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                resource = {
                    key: str(value) for key, value in _plain(group.resource.attributes).items()
                }
                for scope in group.scope_spans:
                    self.spans += [Seen(span, resource) for span in scope.spans]

    def named(self, name: str) -> list[Seen]:
        """The spans of that name."""
        return [seen for seen in self.spans if seen.span.name == name]


@contextmanager
def collector() -> Iterator[Collector]:
    """Collect on a port of loopback while the context is open."""
    collected = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collected.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collected.url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield collected
        finally:
            server.shutdown()
            serving.join()


@contextmanager
def silence() -> Iterator[str]:
    """Where connections are taken, and nothing is ever answered; the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def _plain(attributes: Iterable[KeyValue]) -> dict[str, str | int | float]:
    return {
        one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value")
        for one in attributes
    }
