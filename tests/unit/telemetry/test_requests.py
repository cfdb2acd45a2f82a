"""Spans of requests and WebSockets."""

from typing import Any

import httpx
import pytest
from opentelemetry.trace import SpanKind, StatusCode
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.websockets import WebSocket
from tests.behaviour.services.asgi import websocket
from tests.unit.telemetry.looking import Kept, attributes, ids, parent

from immutant import App
from immutant.health import CHECK_HEADER
from immutant.telemetry.requests import TracedRequests
from immutant.telemetry.spans import SpanTracer

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def app() -> App:
    app = App("demo", sessions=None)

    @app.get("/orders/{number:int}")
    async def order(request: Request) -> str:
        return "one"

    @app.get("/fails")
    async def fails() -> None:
        raise ValueError("no")

    @app.get("/busy")
    async def busy() -> PlainTextResponse:
        return PlainTextResponse("later", status_code=503)

    @app.websocket("/echo/{name}")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    @app.websocket("/never")
    async def never(socket: WebSocket) -> None:
        await socket.close()

    return app


async def get(asgi: Any, path: str, method: str = "GET", **headers: str) -> int:
    transport = httpx.ASGITransport(app=asgi, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://app.test") as client:
        return (await client.request(method, path, headers=headers)).status_code


async def test_a_request_has_a_span_named_by_its_route_and_continues_its_callers_trace(
    app: App, tracer: SpanTracer, kept: Kept
) -> None:
    await get(TracedRequests(app, tracer), "/orders/7?key=secret", traceparent=CALLER)
    (span,) = kept.get_finished_spans()
    assert (span.name, span.kind) == ("GET /orders/{number:int}", SpanKind.SERVER)
    assert parent(span) == (0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331)
    agent = attributes(span).pop("user_agent.original")
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/orders/{number:int}",
        "network.protocol.version": "1.1",
        "url.path": "/orders/7",
        "url.scheme": "http",
        "user_agent.original": agent,
    }


async def test_what_sends_within_a_request_belongs_to_it(
    run: Any, tracer: SpanTracer, kept: Kept
) -> None:
    app = App("demo", sessions=None)
    queue = app.queue("q")

    @app.get("/send")
    async def send() -> str:
        return await queue.send("body")

    runtime = await run(app)
    await get(TracedRequests(runtime.asgi, tracer), "/send")
    (asked,), (sent,) = kept.named("GET /send"), kept.named("send q")
    assert parent(sent) == ids(asked)


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [("/fails", 500, "builtins.ValueError"), ("/busy", 503, "503"), ("/nowhere", 404, None)],
)
async def test_an_error_of_the_server_is_one_and_the_clients_is_none(
    app: App,
    tracer: SpanTracer,
    kept: Kept,
    path: str,
    status: int,
    error: str | None,
) -> None:
    assert await get(TracedRequests(app, tracer), path) == status
    (span,) = kept.get_finished_spans()
    assert span.name == ("GET" if error is None else f"GET {path}")
    assert attributes(span)["http.response.status_code"] == status
    assert attributes(span).get("error.type") == error
    assert (span.status.status_code is StatusCode.ERROR) == (error is not None)


async def test_a_method_that_nobody_knows_does_not_become_a_name(
    app: App, tracer: SpanTracer, kept: Kept
) -> None:
    await get(TracedRequests(app, tracer), "/busy", "BREW")
    (span,) = kept.get_finished_spans()
    assert span.name == "HTTP /busy"
    assert attributes(span)["http.request.method"] == "_OTHER"
    assert attributes(span)["http.request.method_original"] == "BREW"


async def test_a_check_has_no_span(app: App, tracer: SpanTracer, kept: Kept) -> None:
    await get(TracedRequests(app, tracer), "/", **{CHECK_HEADER: "1"})
    assert kept.get_finished_spans() == ()


async def test_a_route_below_a_mount_is_told_whole(
    app: App, tracer: SpanTracer, kept: Kept
) -> None:
    inner = Starlette(routes=[Route("/pages/{page}", lambda _: PlainTextResponse("a page"))])
    app.mount("/admin", inner)
    app.mount("/raw", _raw)
    await get(TracedRequests(app, tracer), "/admin/pages/3")
    await get(TracedRequests(app, tracer), "/raw/anything/at/all")
    names = [span.name for span in kept.get_finished_spans()]
    assert names == ["GET /admin/pages/{page}", "GET /raw/{path}"]


async def test_a_websocket_is_one_span_for_as_long_as_it_is_open(
    app: App, tracer: SpanTracer, kept: Kept
) -> None:
    await websocket(TracedRequests(app, tracer), "/echo/one")
    await websocket(TracedRequests(app, tracer), "/never")
    served, refused = kept.get_finished_spans()
    assert (served.name, refused.name) == ("GET /echo/{name}", "GET /never")
    status = "http.response.status_code"
    assert (attributes(served)[status], attributes(refused)[status]) == (101, 403)
    assert attributes(served)["network.protocol.name"] == "websocket"


async def _raw(scope: Any, receive: Any, send: Any) -> None:
    await PlainTextResponse("raw")(scope, receive, send)


async def test_a_mounted_wsgi_application_works_within_its_request(
    run: Any, tracer: SpanTracer, kept: Kept
) -> None:
    app = App("demo", sessions=None)
    queue = app.queue("q")

    def legacy(environ: Any, start_response: Any) -> list[bytes]:
        queue.blocking.send("body")
        start_response("204 No Content", [])
        return []

    app.mount("/legacy", legacy)
    runtime = await run(app)
    await get(TracedRequests(runtime.asgi, tracer), "/legacy/page")
    (asked,), (sent,) = kept.named("GET /legacy/{path}"), kept.named("send q")
    assert parent(sent) == ids(asked)
