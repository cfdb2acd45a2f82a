"""An application that keeps what it acknowledges, and tells what of it is missing."""

import asyncio

from starlette.requests import Request

from immutant import App, Message, Session, Tenure

app = App("moving")
writes = app.cache("writes")
handled = app.cache("handled")
messages = app.queue("messages")


@app.get("/")
async def page() -> str:
    return "hello"


@app.get("/visits")
async def visits(request: Request) -> str:
    """Count in the session."""
    return str(await Session.of(request).update("visits", lambda seen: (seen or 0) + 1))


@app.post("/write")
async def write(request: Request) -> str:
    """Keep a key; the answer acknowledges it."""
    await writes.put((await request.body()).decode(), True)
    return "written"


@app.post("/send")
async def send(request: Request) -> str:
    """Send a message; the answer acknowledges it."""
    await messages.send((await request.body()).decode())
    return "sent"


@app.listener(messages, concurrency=16)
async def handle(body: str, message: Message) -> None:
    """Take half a second; say so when that is cut short, and when it is not the first attempt."""
    try:
        await asyncio.sleep(0.5)
    except asyncio.CancelledError:
        print(f"cut {body}", flush=True)
        raise
    if message.attempt > 1:
        print(f"again {body} attempt {message.attempt}", flush=True)
    await handled.put(body, message.attempt)


@app.daemon
async def stepping(tenure: Tenure) -> None:
    """A step takes a third of a second; say so when it is cut short."""
    async for _ in tenure.every("400ms"):
        try:
            await asyncio.sleep(0.3)
        except asyncio.CancelledError:
            print(f"cut step of {tenure.token}", flush=True)
            raise


@app.post("/missing")
async def missing(request: Request) -> dict[str, list[str]]:
    """Which of these writes are not there, and which of these messages were not handled."""
    asked = await request.json()
    return {
        "writes": sorted(set(asked["writes"]) - set(await writes.get_many(asked["writes"]))),
        "messages": sorted(set(asked["messages"]) - set(await handled.get_many(asked["messages"]))),
    }
