"""A collector of traces, made of what the runtime image has: OTLP over HTTP in, a page out."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.requests import Request

from immutant import App

app = App("collector", sessions=None)
spans = app.cache("spans")


@app.post("/v1/traces")
async def take(request: Request) -> None:
    for group in ExportTraceServiceRequest.FromString(await request.body()).resource_spans:
        of = {one.key: one.value.string_value for one in group.resource.attributes}
        for span in [span for scope in group.scope_spans for span in scope.spans]:
            known = {
                "name": span.name,
                "trace": span.trace_id.hex(),
                "parent": span.parent_span_id.hex(),
                "of": of,
            }
            await spans.put(span.span_id.hex(), known)


@app.get("/spans")
async def seen() -> dict[str, object]:
    return dict(await spans.entries())
