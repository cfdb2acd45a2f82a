"""An application of which there is something to see in every panel: it works, and it fails."""

import asyncio

from starlette.requests import Request

from immutant import App, Tenure, Tick

app = App("shop")
orders = app.queue("orders")
news = app.topic("news")


@app.listener(orders, attempts=2, backoff="0.1s", concurrency=2)
async def take(order: str) -> None:
    if order == "bad":
        raise ValueError(order)


@app.daemon
async def buyer(tenure: Tenure) -> None:
    async for _ in tenure.every("0.5s"):
        await orders.send("good")
        await news.publish("sold")


@app.daemon(attempts=2)
async def frail(tenure: Tenure) -> None:
    await tenure.sleep("1s")
    raise RuntimeError("it fails, so that another pod tries it")


@app.job(every="1s")
async def swift() -> None: ...


@app.job(every="1s")
async def slow() -> None:
    await asyncio.sleep(2.5)  # the ticks in between are passed over


@app.job(every="2s", retries=1, backoff="0.1s")
async def shaky(tick: Tick) -> None:
    if tick.attempt == 1:
        raise RuntimeError("it goes well the second time")


@app.get("/")
async def index() -> str:
    return "shop"


@app.get("/bad")
async def bad() -> str:
    await orders.send("bad")
    return "sent"


@app.get("/in")
async def enter(request: Request) -> str:
    request.session["user"] = "anybody"
    return "in"


@app.get("/out")
async def leave(request: Request) -> str:
    request.session.invalidate()  # type: ignore[attr-defined]
    return "out"
