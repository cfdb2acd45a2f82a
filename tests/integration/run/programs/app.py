"""A stand-in for `immutant serve`: a web server on the replica's socket, and lines in the log.

Its first argument names the file whose content it serves as its version; with `--check` it says
whether that file is to its liking.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

REPLICA = os.environ.get("IMMUTANT_REPLICA", "")
VERSION = Path(sys.argv[-1]).read_text().strip()


async def root(request: Request) -> Response:
    """Tell who answers and what arrived."""
    seen = {"replica": REPLICA, "version": VERSION, "pid": os.getpid()}
    return JSONResponse({**seen, "headers": dict(request.headers), "path": request.url.path})


async def echo(request: Request) -> Response:
    """Give the body back as it comes."""
    return StreamingResponse(request.stream())


async def die(request: Request) -> Response:
    """End without an answer."""
    os.kill(os.getpid(), signal.SIGKILL)
    return Response()


async def reverse(websocket: WebSocket) -> None:
    """Answer each text reversed, with the replica's name."""
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"{REPLICA} {text[::-1]}")


def leave_with_the_launcher() -> None:
    """Stop when the lifeline ends."""
    os.read(int(os.environ["IMMUTANT_LIFELINE"]), 1)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Check, refuse or serve."""
    if VERSION == "broken":
        sys.stderr.write("this version is broken; mend it\n")
        sys.exit(os.EX_CONFIG)
    if "--check" in sys.argv:
        return
    threading.Thread(target=leave_with_the_launcher, daemon=True).start()
    if VERSION == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.stdout.write(f"{REPLICA} ignores requests to stop\n")
        sys.stdout.flush()
        signal.pause()
    print(json.dumps({"began": REPLICA, "version": VERSION}), flush=True)
    routes = [
        Route("/echo", echo, methods=["POST", "PUT"]),
        Route("/die", die, methods=["GET", "POST"]),
        WebSocketRoute("/reverse", reverse),
        Route("/{path:path}", root),
    ]
    uvicorn.run(
        Starlette(routes=routes),
        uds=os.environ["IMMUTANT_LISTEN"].removeprefix("unix:"),
        log_level="error",
        ws="websockets-sansio",
        timeout_graceful_shutdown=2,
    )


main()
