"""The coordinator's HTTP API, for the application beside it and its supervisor.

Belongs here: paths, parsing, status codes. One stream a singleton (opening it is standing for
election), answers as requests of their own, so that any language can take part:

    POST /v1/hello               {"process"} -> {"replica", "incarnation", "lock"}
    POST /v1/singletons          {"incarnation", "kind", "name", "schedule"} -> events, NDJSON
    POST /v1/tenures/ID/stopped  nothing of the tenure runs any more
    POST /v1/tenures/ID/done     {"tick", "error"}: the tick's run has ended
    POST /v1/drain               {"process", "reason", "grace"}: hand all over; answers when done
    GET  /v1/deadlines           {"TENURE": not_after, …} at each change, NDJSON
    GET  /v1/status              {"replica", "incarnation", "tenures"}
"""

import asyncio
import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from immutant.coordinator.bodies import Body
from immutant.coordinator.driver import Driver
from immutant.coordinator.vigil import Vigil
from immutant.errors import CoordinatorError, DefinitionError, RequestRefusedError
from immutant.link import Outcome
from immutant.wire import encode_event

__all__ = ["coordinator_api"]


def coordinator_api(driver: Driver, vigil: Vigil) -> Starlette:
    """The ASGI application in front of a driver."""
    api = _Api(driver, vigil)
    return Starlette(
        routes=[
            Route("/v1/hello", api.hello, methods=["POST"]),
            Route("/v1/singletons", _Stream(api.stand), methods=["POST"]),
            Route("/v1/tenures/{tenure}/stopped", api.stopped, methods=["POST"]),
            Route("/v1/tenures/{tenure}/done", api.done, methods=["POST"]),
            Route("/v1/drain", api.drain, methods=["POST"]),
            Route("/v1/deadlines", _Stream(api.deadlines), methods=["GET"]),
            Route("/v1/status", api.status, methods=["GET"]),
        ],
        exception_handlers={
            CoordinatorError: _refuse(409),
            DefinitionError: _refuse(422),
            RequestRefusedError: _refuse(422),
        },
    )


class _Api:
    def __init__(self, driver: Driver, vigil: Vigil) -> None:
        self._driver = driver
        self._vigil = vigil

    async def hello(self, request: Request) -> Response:
        process = (await Body.of(request)).text("process")
        self._driver.meet(process)
        self._vigil.keep(process)
        path = self._driver.hold.path
        return JSONResponse(
            {
                "replica": self._driver.replica,
                "incarnation": self._driver.incarnation,
                "lock": str(path) if path else None,
            }
        )

    async def stand(self, request: Request, lines: "_Lines") -> None:
        body = await Body.of(request)
        if body.text("incarnation") != self._driver.incarnation:
            raise CoordinatorError("another incarnation has begun; say hello again")
        async with self._driver.stand(body.candidacy()) as events:
            await lines.begin()
            async for event in events:
                await lines.send(encode_event(event))

    async def stopped(self, request: Request) -> Response:
        self._driver.stopped(request.path_params["tenure"])
        return Response(status_code=204)

    async def done(self, request: Request) -> Response:
        body = await Body.of(request)
        outcome = Outcome(body.text("tick"), body.text("error", ""))
        self._driver.done(request.path_params["tenure"], outcome)
        return Response(status_code=204)

    async def drain(self, request: Request) -> Response:
        body = await Body.of(request)
        await self._driver.drain(body.text("process"), body.text("reason"), body.number("grace"))
        return Response(status_code=204)

    async def deadlines(self, request: Request, lines: "_Lines") -> None:
        await lines.begin()
        async for deadlines in self._driver.deadlines():
            await lines.send(json.dumps(deadlines).encode() + b"\n")

    async def status(self, request: Request) -> Response:
        tenures = []
        for lease, token in sorted(self._driver.tenures().items()):
            _, kind, name = lease.split(".", 2)
            tenures.append({"kind": kind, "name": name, "token": str(token)})
        return JSONResponse(
            {
                "replica": self._driver.replica,
                "incarnation": self._driver.incarnation,
                "tenures": tenures,
            }
        )


class _Lines:
    """An answer that is sent line by line."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def begin(self) -> None:
        headers = [(b"content-type", b"application/x-ndjson")]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        # Nothing may hold the head back until the first event: standing has begun.
        await self.send(b"")

    async def send(self, line: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": line, "more_body": more})


class _Stream:
    """An endpoint that streams until its work ends or the client goes away."""

    def __init__(self, work: Any) -> None:  # noqa: ANN401 - a bound method of _Api
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, lines = Request(scope, receive), _Lines(send)
        await request.body()
        work = asyncio.ensure_future(self._work(request, lines))
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
        if not work.cancelled():
            work.result()
            await lines.send(b"", more=False)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _refuse(status: int) -> Any:  # noqa: ANN401 - Starlette's handler type
    def handle(request: Request, error: Exception) -> Response:
        return PlainTextResponse(str(error), status_code=status)

    return handle
