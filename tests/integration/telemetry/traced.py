"""An application for traces: a page that sends, a queue that only the other replica handles."""

import os
import sys

from starlette.requests import Request

from immutant import App, Tick

app = App("traced")
orders = app.queue("orders")
REPLICA = os.environ["IMMUTANT_REPLICA"]

if REPLICA.endswith("-1"):

    @app.listener(orders)
    async def handle(body: dict[str, str]) -> None:
        print(f"handled {body['from']}", flush=True)


@app.get("/order/{name}")
async def order(request: Request) -> dict[str, str]:
    await orders.send({"from": REPLICA})
    return {"replica": REPLICA}


@app.get("/modules")
async def modules() -> list[str]:
    return sorted(name for name in sys.modules if name.startswith("opentelemetry"))


@app.job(in_="10ms")
async def once(tick: Tick) -> None:
    print("ran once", flush=True)
