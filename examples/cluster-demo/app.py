"""The whole of clustering in one file: a queue, a cache, a daemon, a job, web pages, sessions.

Start it with `immutant run app.py --replicas 3` and watch four kinds of lines: `send` and its
`recv` every 5 s, `web` every 2 s, `job` every 20 s.
"""

from typing import Any

from starlette.requests import Request

from immutant import App, Session, Tenure

app = App("demo")
counters = app.cache("counters", fenced=True)
messages = app.queue("/queue/msg")


@app.listener(messages)
async def recv(number: int) -> None:
    """Each message goes to one replica; they take turns."""
    print(f"recv {number} --> {await counters.local_entries()}", flush=True)


@app.daemon
async def counter(tenure: Tenure) -> None:
    """One replica sends; when it goes, another one goes on where it left off.

    The number is sent before it is counted: after a crash between the two it is sent twice, but
    never left out. A hand-over comes between two rounds, so that nothing is repeated.
    """
    async for _ in tenure.every("5s"):
        number = await counters.get("value", 0)
        await messages.send(number)
        print(f"send {number}", flush=True)
        await counters.put("value", number + 1)


@app.job(every="20s")
async def ajob() -> None:
    """One replica runs it each time it is due."""
    number = await counters.get("job", 0)
    print(f"job {number}", flush=True)
    await counters.put("job", number + 1)


@app.get("/count")
async def count(request: Request) -> str:
    """Count in the session, which every replica knows."""
    number = await Session.of(request).update("count", lambda seen: (seen or 0) + 1)
    print(f"web /count: {number} times", flush=True)
    return f"{number} times"


@app.get("/{path:path}")
async def index(request: Request) -> dict[str, Any]:
    """Answer everything else, health checks included, with the counters."""
    print(f"web {request.url.path}", flush=True)
    return await counters.get_many(["value", "job"])
