"""A daemon that counts in a fenced cache, five times a second, and says what was acknowledged."""

import time

from immutant import App, Tenure

app = App("steps")
steps = app.cache("steps", fenced=True)


@app.daemon
async def counter(tenure: Tenure) -> None:
    """Say `begun`, then `accepted NUMBER TOKEN` after each write that was acknowledged."""
    print(f"begun {tenure.token}", flush=True)
    async for _ in tenure.every("200ms"):
        number = await steps.get("number", 0) + 1
        await steps.put("number", number)
        print(f"accepted {number} {tenure.token} {time.time():.3f}", flush=True)
