"""Daemons that do what they should not, each in its own way; two pods run it."""

import asyncio
import ctypes
import time

from immutant import App, BlockingTenure, Tenure

app = App("unruly")
lives = app.cache("lives")


@app.daemon(attempts=2)
async def raises() -> None:
    raise RuntimeError("as it always does")


@app.daemon(attempts=2)
async def returns() -> None:
    pass


@app.daemon(alive_within="5s")  # longer than the one below may hold the loop
async def hangs(tenure: Tenure) -> None:
    await asyncio.Event().wait()


@app.daemon(hard_deadline=True)
async def holds(tenure: Tenure) -> None:
    if await lives.put_if_absent("holds", tenure.token):
        ctypes.PyDLL(None).sleep(10)  # as a call into C that does not let go of the interpreter
    await lives.put("held", True)
    async for _ in tenure.every("1s"):
        print("holds no more", flush=True)


@app.daemon(alive_within="5s")
def sticks(tenure: BlockingTenure) -> None:
    for _ in tenure.every("1s"):
        is_its_turn = lives.blocking.contains("held")
        if is_its_turn and lives.blocking.put_if_absent("sticks", tenure.token):
            time.sleep(60)
