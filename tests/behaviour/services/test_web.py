"""What the web side promises."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from tests.behaviour.services.asgi import lifespan as served
from tests.behaviour.services.asgi import websocket

from immutant import App


def client_of(asgi: Any, base: str = "http://app.test") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=asgi), base_url=base)


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


@pytest.mark.parametrize(
    ("result", "status", "kind", "content"),
    [
        ("héllo", 200, "text/plain; charset=utf-8", "héllo".encode()),
        ({"a": [1]}, 200, "application/json", b'{"a":[1]}'),
        ([], 200, "application/json", b"[]"),
        (b"raw", 200, "application/octet-stream", b"raw"),
        (None, 204, None, b""),
        (PlainTextResponse("own", 418), 418, "text/plain; charset=utf-8", b"own"),
    ],
)
async def test_a_handler_returns_what_is_sent(
    app: App, client: httpx.AsyncClient, result: object, status: int, kind: str, content: bytes
) -> None:
    app.get("/x")(lambda: result)
    response = await client.get("/x")
    assert (response.status_code, response.headers.get("content-type")) == (status, kind)
    assert response.content == content


async def test_a_handler_that_returns_anything_else_is_an_error(app: App) -> None:
    app.get("/x")(lambda: object())
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://app.test") as client:
        assert (await client.get("/x")).status_code == 500


async def test_each_method_has_its_handler(app: App, client: httpx.AsyncClient) -> None:
    for register in (app.get, app.post, app.put, app.patch, app.delete):
        register("/x")(_says(register.__name__))
    for method in ("get", "post", "put", "patch", "delete"):
        assert (await client.request(method, "/x")).text == method
    assert (await client.head("/x")).status_code == 200


def _says(text: str) -> Callable[[], str]:
    return lambda: text


async def test_handlers_get_the_request_and_path_parameters(
    app: App, client: httpx.AsyncClient
) -> None:
    @app.post("/orders/{number:int}")
    async def order(request: Request) -> dict[str, Any]:
        return {"number": request.path_params["number"], "body": await request.json()}

    response = await client.post("/orders/7", json=["x"])
    assert response.json() == {"number": 7, "body": ["x"]}


async def test_without_a_page_of_its_own_the_application_names_itself() -> None:
    async with client_of(App("a <b>")) as client:
        response = await client.get("/")
    assert response.status_code == 200
    assert "a &lt;b&gt;" in response.text


async def test_a_page_of_its_own_replaces_the_default_one(
    app: App, client: httpx.AsyncClient
) -> None:
    app.get("/{path:path}")(lambda request: request.url.path)
    assert (await client.get("/")).text == "/"
    assert (await client.get("/any/thing")).text == "/any/thing"


async def test_an_asgi_application_is_mounted(app: App, client: httpx.AsyncClient) -> None:
    async def hello(request: Request) -> Response:
        return PlainTextResponse(f"asgi {request.scope['root_path']}")

    app.mount("/sub", Starlette(routes=[Route("/hello", hello)]))
    assert (await client.get("/sub/hello")).text == "asgi /sub"


async def test_a_wsgi_application_is_mounted_and_shares_the_session(app: App, run: Any) -> None:
    def wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        session = environ["asgi.scope"]["session"]
        session["seen"] = session.get("seen", 0) + 1
        start_response("200 OK", [("content-type", "text/plain")])
        return [f"wsgi {environ['PATH_INFO']} {session['seen']}".encode()]

    app.mount("/", wsgi)
    await run(app)
    async with client_of(app) as client:
        assert (await client.get("/page")).text == "wsgi /page 1"
        assert (await client.get("/page")).text == "wsgi /page 2"


async def test_handlers_come_before_mounts_and_longer_mounts_first(
    app: App, client: httpx.AsyncClient
) -> None:
    app.mount("/", PlainTextResponse("rest"))
    app.mount("/admin", PlainTextResponse("admin"))
    app.get("/x")(lambda: "handler")
    assert (await client.get("/x")).text == "handler"
    assert (await client.get("/admin/page")).text == "admin"
    assert (await client.get("/")).text == "rest"


async def test_websockets_are_served(app: App) -> None:
    @app.websocket("/echo")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(f"you said {await socket.receive_text()}")
        await socket.close()

    accepted, said, closed = await websocket(app, "/echo", "hi")
    assert accepted["type"] == "websocket.accept"
    assert said["text"] == "you said hi"
    assert closed["type"] == "websocket.close"


async def test_a_mounted_application_is_started_and_stopped_with_ours(app: App) -> None:
    told = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, str]]:
        told.append("started")
        yield {"pool": "open"}
        told.append("stopped")

    async def state(request: Request) -> Response:
        return PlainTextResponse(request.state.pool)

    app.mount("/sub", Starlette(routes=[Route("/", state)], lifespan=lifespan))
    app.mount("/plain", PlainTextResponse("knows no lifespan"))
    async with served(app), client_of(app) as client:
        assert told == ["started"]
        assert (await client.get("/sub/")).text == "open"
        assert (await client.get("/plain/")).text == "knows no lifespan"
    assert told == ["started", "stopped"]


async def test_a_mounted_application_that_cannot_start_keeps_ours_from_starting(app: App) -> None:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        raise RuntimeError("no database")
        yield

    app.mount("/sub", Starlette(lifespan=lifespan))
    with pytest.raises(RuntimeError, match="no database"):
        async with served(app):
            pass


async def test_checks_learn_of_a_drain_and_users_are_served_to_the_last(app: App, run: Any) -> None:
    app.get("/")(lambda: "hello")
    runtime = await run(app)
    check = {"x-immutant-check": "1"}
    async with client_of(runtime.asgi) as client:
        assert (await client.get("/", headers=check)).status_code == 200
        await runtime.drain(1.0)
        assert (await client.get("/", headers=check)).status_code == 503
        assert (await client.get("/")).text == "hello"


async def test_a_check_of_the_process_is_not_the_applications_business(app: App, run: Any) -> None:
    asked: list[str] = []

    @app.get("/")
    async def page() -> str:
        asked.append("page")
        return "hello"

    runtime = await run(app)
    check = {"x-immutant-check": "ready"}
    async with client_of(runtime.asgi) as client:
        assert (await client.get("/", headers=check)).text == "ready"
        assert asked == []
        await runtime.drain(1.0)
        assert (await client.get("/", headers=check)).status_code == 503
        assert asked == []


async def test_plain_handlers_do_not_stop_each_other(app: App, run: Any) -> None:
    cache = app.cache("c")

    @app.get("/add")
    def add() -> str:
        return str(cache.blocking.increment("n"))

    await run(app)
    async with client_of(app) as client:
        answers = await asyncio.gather(*(client.get("/add") for _ in range(10)))
    assert sorted(int(answer.text) for answer in answers) == list(range(1, 11))
