"""Each replica writes one key after the other, ten times a second, and says what came of it."""

import asyncio
import os
import time

from starlette.requests import Request

from immutant import App, Tenure, UncertainWriteError
from immutant.errors import StoreError

app = App("splitting")
keys = app.cache("keys")


@app.daemon(singleton=False)
async def writing(tenure: Tenure) -> None:
    """Say `kept`, `uncertain` or `refused`, the key, and when it was so (since the epoch)."""
    number = 0
    async with asyncio.TaskGroup() as writes:
        async for _ in tenure.every("100ms"):
            number += 1
            # Not one after the other: one that waits for an answer must not hold up the others.
            writes.create_task(_write(f"{os.environ['HOSTNAME']}-{number}"))


async def _write(key: str) -> None:
    try:
        await keys.put(key, True)
    except UncertainWriteError:
        word = "uncertain"
    except StoreError:
        word = "refused"
    else:
        word = "kept"
    print(f"{word} {key} {time.time():.3f}", flush=True)


@app.post("/found")
async def found(request: Request) -> list[str]:
    """Which of these keys are there."""
    return sorted(await keys.get_many(await request.json()))
