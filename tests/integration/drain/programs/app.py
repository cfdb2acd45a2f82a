"""An application whose requests, streams and handlers take a while."""

import asyncio
import time
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.websockets import WebSocket

from immutant import App, Tenure

app = App("drained")
messages = app.queue("messages")


@app.get("/")
async def page() -> str:
    return "hello"


@app.post("/echo")
async def echo(request: Request) -> bytes:
    return await request.body()


@app.route("/slow", methods=("GET", "POST"))
async def slow(request: Request) -> str:
    """Take as many seconds as asked for."""
    print("slow begun", flush=True)
    await asyncio.sleep(float(request.query_params["seconds"]))
    return "done"


@app.post("/refuse")
async def refuse() -> str:
    """Answer an upload without reading it."""
    return "too large"


@app.get("/events")
async def events() -> StreamingResponse:
    """An event every 50 ms, each in two pieces, for ever."""

    async def stream() -> AsyncIterator[str]:
        number = 0
        while True:
            yield f"data: {number}\n"
            await asyncio.sleep(0.05)
            yield "\n"
            number += 1

    return StreamingResponse(stream(), media_type="text/event-stream")


@app.websocket("/talk")
async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


@app.get("/send")
async def send() -> str:
    await messages.send("work")
    return "sent"


@app.listener(messages)
async def handle() -> None:
    """Take longer than it takes to notice that this process leaves."""
    print("handler begun", flush=True)
    try:
        await asyncio.sleep(2.5)
    except asyncio.CancelledError:
        print("handler cut", flush=True)
        raise
    print("handler done", flush=True)


@app.daemon
async def step(tenure: Tenure) -> None:
    print("daemon begun", flush=True)
    async for _ in tenure.every("50ms"):
        pass
    print(f"daemon stopped {time.monotonic()}", flush=True)
