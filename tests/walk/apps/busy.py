"""The application under fire: everything it does it also tells the witness."""

from typing import Any

from starlette.requests import Request
from witness import Witness

from immutant import App, Session, Tenure, Tick

app = App("busy")
numbers = app.queue("numbers")
fenced = app.cache("fenced", fenced=True)
plain = app.cache("plain")

witness = Witness()


@app.daemon
async def beating(tenure: Tenure) -> None:
    witness("begin", tenure.token)
    try:
        while True:
            await tenure.sleep(0.02)
            tenure.check()
            witness("beat", tenure.token)
    finally:
        witness("end", tenure.token)


@app.daemon
async def counting(tenure: Tenure) -> None:
    async for _ in tenure.every(0.05):
        number = await fenced.get("counter", 0) + 1
        await fenced.put("counter", number)
        witness("counted", number, tenure.token)


@app.job(every="200ms")
async def ticking(tick: Tick) -> None:
    witness("tick-begins", tick.id, tick.attempt)
    await tick.tenure.sleep(0.02)
    witness("tick-ends", tick.id, tick.attempt)


@app.listener(numbers, concurrency=2)
async def received(number: int) -> None:
    witness("received", number)


@app.post("/send/{number:int}")
async def send(request: Request) -> dict[str, Any]:
    await numbers.send(request.path_params["number"])
    return {}


@app.post("/put/{key}/{value:int}")
async def put(request: Request) -> dict[str, Any]:
    await plain.put(request.path_params["key"], request.path_params["value"])
    return {}


@app.get("/get/{key}")
async def get(request: Request) -> dict[str, Any]:
    return {"value": await plain.get(request.path_params["key"])}


@app.post("/visit")
async def visit(request: Request) -> dict[str, Any]:
    return {"visits": await Session.of(request).update("visits", lambda seen: (seen or 0) + 1)}
