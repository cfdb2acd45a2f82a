"""An application to be looked into: a shelf that is empty, a page that blocks the loop."""

import threading
import time

from immutant import App, Tick

app = App("asked")
orders = app.queue("orders")
news = app.topic("news")
plain = app.cache("plain")
ledger = app.cache("ledger", fenced=True)
free = threading.Event()


@app.listener(orders, attempts=1)
async def pack(order: object) -> None:
    if await plain.get("shelf") != "full":
        raise RuntimeError("the shelf is empty")
    print(f"packed {order}")


@app.listener(news, subscription="archive")
async def archive(item: object) -> None:
    print(f"archived {item}")


@app.job(every="1h")
async def report(tick: Tick) -> None:
    print(f"report {tick.id}")


@app.get("/block")
async def block() -> str:
    print("blocks")
    time.sleep(60)  # noqa: ASYNC251 - as code does that did not know better
    return "done"


@app.get("/")
async def index() -> str:
    return "here"
