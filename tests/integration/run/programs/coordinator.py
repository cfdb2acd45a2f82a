"""A stand-in for the coordinator: answers `GET /v1/status` as if it held one daemon."""

import os
import signal
import threading

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

REPLICA = os.environ["IMMUTANT_REPLICA"]


async def status(request: Request) -> Response:
    """Hold the daemon `counter` on replica 0."""
    held = [{"kind": "daemon", "name": "counter", "token": "1"}] if REPLICA.endswith("-0") else []
    return JSONResponse({"replica": REPLICA, "incarnation": "x", "tenures": held})


def leave_with_the_launcher() -> None:
    """Stop when the lifeline ends."""
    os.read(int(os.environ["IMMUTANT_LIFELINE"]), 1)
    os.kill(os.getpid(), signal.SIGTERM)


threading.Thread(target=leave_with_the_launcher, daemon=True).start()
uvicorn.run(
    Starlette(routes=[Route("/v1/status", status)]),
    uds=os.environ["IMMUTANT_COORDINATOR"].removeprefix("unix:"),
    log_level="error",
)
