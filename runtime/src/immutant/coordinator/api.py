"""The coordinator's HTTP API, for the application beside it and its supervisor.

Belongs here: paths, parsing, status codes. One stream a singleton (opening it is standing for
election), answers as requests of their own, so that any language can take part:

    POST /v1/hello               {"process"} -> {"replica", "incarnation", "lock"}
    POST /v1/singletons          {"incarnation", "kind", "name", "schedule", "prefer"} -> events,
                                 NDJSON
    POST /v1/tenures/ID/stopped  nothing of the tenure runs any more
    POST /v1/tenures/ID/done     {"tick", "error", "attempt"}: the tick's run has ended
    POST /v1/tenures/ID/failed   {"error", "times", "elsewhere"}: the daemon is started again
    POST /v1/ready               {"process"}: the answer to the event "probe"
    POST /v1/drain               {"process", "reason", "grace"}: hand all over; answers when done
    POST /v1/killed              {"reason"}: the supervisor or the kernel has killed the application
    GET  /v1/deadlines           {"TENURE": not_after, …} when they change, NDJSON
    GET  /v1/status              {"replica", "incarnation", "tenures"}

and calls about the jobs of the whole application, which any replica answers, whoever holds a job:

    GET  /v1/jobs                what is known of each; /v1/jobs/NAME: of one
    POST /v1/jobs/NAME/VERB      {"key", "since", "until"}: pause, resume, trigger, backfill or
                                 unschedule it; asking again with the same key changes nothing
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from immutant.contract.records import kind_and_name
from immutant.coordinator.bodies import Body
from immutant.coordinator.driver import Driver
from immutant.coordinator.streaming import Lines, Stream
from immutant.coordinator.vigil import Vigil
from immutant.errors import CoordinatorError, DefinitionError, RequestRefusedError
from immutant.link import Candidacy, Failure, Outcome, Verb
from immutant.wire import encode_event, encode_job

__all__ = ["REFUSALS", "Call", "calls", "coordinator_api"]

_JOB = "/v1/jobs/{job:path}"
"""A job's name may have slashes in it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One thing that can be asked of a coordinator."""

    method: str
    path: str
    answer: Callable[[Request], Awaitable[Response]]


def calls(driver: Driver, vigil: Vigil) -> list[Call]:
    """All that can be asked of a driver; what goes wrong is answered by `REFUSALS`."""
    api = _Api(driver, vigil)
    return [
        Call("POST", "/v1/hello", api.hello),
        Call("POST", "/v1/singletons", api.singletons),
        Call("POST", "/v1/tenures/{tenure}/stopped", api.stopped),
        Call("POST", "/v1/tenures/{tenure}/done", api.done),
        Call("POST", "/v1/tenures/{tenure}/failed", api.failed),
        Call("POST", "/v1/ready", api.ready),
        Call("POST", "/v1/drain", api.drain),
        Call("POST", "/v1/killed", api.killed),
        Call("POST", "/v1/metrics", api.metrics),
        Call("GET", "/v1/deadlines", api.deadlines),
        Call("GET", "/v1/status", api.status),
        Call("GET", "/v1/jobs", api.jobs),
        *(Call("POST", f"{_JOB}/{verb}", api.command(verb)) for verb in get_args(Verb)),
        Call("GET", _JOB, api.job),
    ]


def coordinator_api(driver: Driver, vigil: Vigil) -> Starlette:
    """The ASGI application in front of a driver."""
    routes = [Route(one.path, one.answer, methods=[one.method]) for one in calls(driver, vigil)]
    return Starlette(routes=routes, exception_handlers=REFUSALS)


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

    async def singletons(self, request: Request) -> Response:
        body = await Body.of(request)
        incarnation, candidacy = body.text("incarnation"), body.candidacy()
        return Stream(partial(self._stand, incarnation, candidacy))

    async def _stand(self, incarnation: str, candidacy: Candidacy, lines: Lines) -> None:
        if incarnation != self._driver.incarnation:
            raise CoordinatorError("another incarnation has begun; say hello again")
        async with self._driver.stand(candidacy) as events:
            await lines.begin()
            async for event in events:
                await lines.send(encode_event(event))

    async def stopped(self, request: Request) -> Response:
        self._driver.stopped(request.path_params["tenure"])
        return Response(status_code=204)

    async def done(self, request: Request) -> Response:
        body = await Body.of(request)
        outcome = Outcome(body.text("tick"), body.text("error", ""), body.count("attempt", 0))
        self._driver.done(request.path_params["tenure"], outcome)
        return Response(status_code=204)

    async def failed(self, request: Request) -> Response:
        body = await Body.of(request)
        failure = Failure(body.text("error"), body.count("times"), body.flag("elsewhere"))
        self._driver.failed(request.path_params["tenure"], failure)
        return Response(status_code=204)

    async def ready(self, request: Request) -> Response:
        self._driver.ready((await Body.of(request)).text("process"))
        return Response(status_code=204)

    async def drain(self, request: Request) -> Response:
        body = await Body.of(request)
        await self._driver.drain(body.text("process"), body.text("reason"), body.number("grace"))
        return Response(status_code=204)

    async def killed(self, request: Request) -> Response:
        self._driver.ledger.kill((await Body.of(request)).kill_reason())
        return Response(status_code=204)

    async def metrics(self, request: Request) -> Response:
        report = (await Body.of(request)).report()
        self._vigil.keep(report.process)
        self._driver.told(report)
        return Response(status_code=204)

    async def deadlines(self, request: Request) -> Response:
        return Stream(self._tell_deadlines)

    async def _tell_deadlines(self, lines: Lines) -> None:
        await lines.begin()
        async for deadlines in self._driver.deadlines():
            await lines.send(json.dumps(deadlines).encode() + b"\n")

    async def status(self, request: Request) -> Response:
        tenures = []
        for lease, token in sorted(self._driver.tenures().items()):
            kind, name = kind_and_name(lease)
            tenures.append({"kind": kind, "name": name, "token": str(token)})
        return JSONResponse(
            {
                "replica": self._driver.replica,
                "incarnation": self._driver.incarnation,
                "tenures": tenures,
            }
        )

    async def jobs(self, request: Request) -> Response:
        return JSONResponse([encode_job(one) for one in await self._driver.jobs.all()])

    async def job(self, request: Request) -> Response:
        status = await self._driver.jobs.status(request.path_params["job"])
        return JSONResponse(encode_job(status))

    def command(self, verb: Verb) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            command = (await Body.of(request)).command(verb)
            status = await self._driver.jobs.command(request.path_params["job"], command)
            return JSONResponse(encode_job(status))

        return answer


def _refuse(status: int) -> Any:  # noqa: ANN401 - Starlette's handler type
    def handle(request: Request, error: Exception) -> Response:
        return PlainTextResponse(str(error), status_code=status)

    return handle


REFUSALS: dict[Any, Any] = {
    CoordinatorError: _refuse(409),
    DefinitionError: _refuse(422),
    RequestRefusedError: _refuse(422),
}
"""What an error of the coordinator is answered with."""
