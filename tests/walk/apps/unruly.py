"""User code that does what it should not; the environment's UNRULY says what."""

import asyncio
import contextlib
import multiprocessing
import os
import time
from typing import Any

from starlette.requests import Request
from witness import Witness

from immutant import App, BlockingTenure, StaleTenureError, Tenure, Tick

app = App("unruly")
numbers = app.queue("numbers")
witness = Witness()
UNRULY = os.environ.get("UNRULY", "")


class Odd(BaseException):
    """No Exception."""


@app.daemon
def slow(tenure: BlockingTenure) -> None:
    """A plain function whose steps take their time."""
    while True:
        for _ in range(50):
            witness("beat", tenure.token)
            time.sleep(0.02)
        tenure.sleep(0.01)


@app.daemon
async def threaded(tenure: Tenure) -> None:
    """A coroutine whose steps run in a thread of asyncio's."""

    def step() -> None:
        for _ in range(50):
            witness("threaded-beat", tenure.token)
            time.sleep(0.02)

    while True:
        await asyncio.to_thread(step)


@app.daemon
async def odd(tenure: Tenure) -> None:
    witness("odd", tenure.token)
    witness("flush", tenure.token)
    if UNRULY == "exits":
        raise SystemExit(3)
    if UNRULY == "busy":
        time.sleep(3.5)  # noqa: ASYNC251 - that is the point
    if UNRULY == "cancels":
        raise asyncio.CancelledError
    if UNRULY == "forks":
        worker = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
        worker.start()
        await asyncio.sleep(0.2)
        worker.terminate()
        await asyncio.to_thread(worker.join)
        witness("joined", tenure.token)
    if UNRULY == "flushes":
        try:
            await tenure.sleep(3600)
        finally:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.to_thread(flush, tenure.token), 0.2)
    await tenure.sleep(3600)


def flush(token: int) -> None:
    for _ in range(100):
        witness("flush", token)
        time.sleep(0.02)


@app.job(every="1s")
async def ticking(tick: Tick) -> None:
    witness("tick-begins", tick.id, tick.attempt)
    if UNRULY == "late" and tick.attempt == 1:
        time.sleep(3.5)  # noqa: ASYNC251 - that is the point
        tick.tenure.check()
    if UNRULY == "stale" and tick.attempt == 1:
        worker = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
        worker.daemon = True
        worker.start()
        raise StaleTenureError("as a fenced cache would")
    if UNRULY == "hangs" and tick.attempt == 1:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(time.sleep, 600), 0.1)
        raise StaleTenureError("as a fenced cache would")
    witness("tick-ends", tick.id, tick.attempt)


@app.listener(numbers, attempts=2, backoff=0.05)
def receive(number: int) -> None:
    witness("received", number)
    if number == 13:
        raise Odd
    if number == 14:
        next(iter(()))


@app.post("/send/{number:int}")
async def send(request: Request) -> dict[str, Any]:
    await numbers.send(request.path_params["number"])
    return {}
