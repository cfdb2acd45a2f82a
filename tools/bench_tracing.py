"""What traces cost a message and a request: nobody asks for them, and everything is sent.

`python tools/bench_tracing.py [COUNT]`: microseconds of processor time, all threads together, for
each piece of work, one after the other, in one process with the store in memory; and for being told
alone. Spans go by OTLP over HTTP to another process that takes them and answers; none is dropped.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from immutant import App
from immutant.clock import SystemClock
from immutant.embedded import EmbeddedBackend
from immutant.errors import CoordinatorError
from immutant.runtime import AppRuntime
from immutant.telemetry import Identity, Telemetry, start

Work = Callable[[], Awaitable[object]]

SINK = """
import http.server
class Sink(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
print(server.server_port, flush=True)
server.serve_forever()
"""


class NoCoordinator:
    """A link for an application without singletons."""

    def stand(self, candidacy: object) -> AbstractAsyncContextManager[Any]:
        """Refuse."""
        raise CoordinatorError("there is none")

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def nothing(*_: object) -> None: ...

        return nothing


async def per_piece(work: Work, count: int) -> float:
    """Microseconds of processor time for one piece of work, its spans' way out included."""
    for _ in range(100):
        await work()
    await asyncio.to_thread(flush)
    began = time.process_time()
    for _ in range(count):
        await work()
    await asyncio.to_thread(flush)
    return (time.process_time() - began) / count * 1e6


def flush() -> None:
    """Send all spans that there are."""
    if "opentelemetry.sdk.trace" in sys.modules:
        provider: Any = sys.modules["opentelemetry.trace"].get_tracer_provider()
        provider.force_flush()


def pieces(app: App, runtime: AppRuntime, telemetry: Telemetry) -> dict[str, Work]:
    """The kinds of work, by name."""
    cache, handled, queue = app.cache("c"), asyncio.Event(), app.queue("q")
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/page",
        "query_string": b"",
        "headers": [],
        "http_version": "1.1",
        "scheme": "http",
        "root_path": "",
    }
    web = telemetry.serving(runtime.asgi)

    async def message() -> None:
        handled.clear()
        await queue.send("body")
        await handled.wait()

    async def request() -> None:
        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_: object) -> None: ...

        await web(dict(scope), receive, send)

    async def told() -> None:
        with telemetry.tracer.sending("send", "q", 1) as sending:
            sending.carrying({})

    @app.listener(queue)
    async def handle(body: object) -> None:
        handled.set()

    app.get("/page")(lambda: "page")
    return {
        "get of a cache": lambda: cache.get("k"),
        "message, sent and handled": message,
        "request": request,
        "being told": told,
    }


async def measure(telemetry: Telemetry, count: int) -> dict[str, float]:
    """Microseconds by kind of work."""
    app = App("bench", sessions=None)
    backend = await EmbeddedBackend.open(None, replica="bench")
    link: Any = NoCoordinator()
    runtime = AppRuntime(
        app, backend, link, replica="bench", clock=SystemClock(), tracer=telemetry.tracer
    )
    works = pieces(app, runtime, telemetry)
    await runtime.start()
    took = {name: await per_piece(work, count) for name, work in works.items()}
    await runtime.stop()
    await backend.close()
    await telemetry.close(5.0)
    return took


def main(count: int) -> None:
    """Measure everything and print it."""
    sink = subprocess.Popen([sys.executable, "-c", SINK], stdout=subprocess.PIPE, text=True)
    assert sink.stdout is not None
    url = f"http://127.0.0.1:{sink.stdout.readline().strip()}"
    who = Identity("bench", "bench-0")
    try:
        off = asyncio.run(measure(start(who, {}), count))
        os.environ.update(OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_BSP_MAX_QUEUE_SIZE="1000000")
        on = asyncio.run(measure(start(who), count))
    finally:
        sink.kill()
    for name in off:
        print(f"{name:28} {off[name]:8.1f} µs off {on[name]:8.1f} µs on")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
