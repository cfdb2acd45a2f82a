"""The application under fault: three daemons that tell the witness all they do.

Each says that its tenure begins, a beat every 20 ms, and its end. Beside the beats it reads a
fenced entry and writes it: a number that grows, and its token. It runs as bare processes, where the
witness has a socket, and on a cluster, where it reads the log; `tests/chaos/words.py` is its ear.
"""

import asyncio
import itertools
import os
import socket
import time
import uuid

from immutant import App, StoreError, Tenure

BEAT = 0.02
STEP = 0.05
HARD_DEADLINE = "CHAOS_HARD_DEADLINE" in os.environ

app = App("demo")
entries = app.cache("entries", fenced=True)

_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
_address = os.environ.get("CHAOS_WITNESS", "")
_pod = os.environ.get("IMMUTANT_POD_UID", "-")
_process = uuid.uuid4().hex[:12]
_serials = itertools.count()


def now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def say(tenure: Tenure, what: str, begun: float, number: int = 0, by: int = 0) -> None:
    """Tell the witness; returns when the word is in its queue, or in the log's pipe."""
    word = f"{what} {tenure.singleton} {tenure.token} {_pod} {_process} {next(_serials)}"
    word += f" {begun:.6f} {number} {by}"
    if _address:
        _socket.sendto(word.encode(), _address)
    else:
        print(word, flush=True)


async def beat(tenure: Tenure) -> None:
    while True:
        begun = now()
        if HARD_DEADLINE:  # nothing but the kernel's timer is to keep its promise
            say(tenure, "beat", begun)
            await asyncio.sleep(BEAT)
        else:
            tenure.check()
            say(tenure, "beat", begun)
            await tenure.sleep(BEAT)


async def write(tenure: Tenure) -> None:
    key = tenure.singleton
    async for _ in tenure.every(STEP):
        begun = now()
        try:
            entry = await entries.get(key, {"number": 0, "by": 0})
            say(tenure, "read", begun, entry["number"], entry["by"])
            number = entry["number"] + 1
            await entries.put(key, {"number": number, "by": tenure.token})
            say(tenure, "wrote", begun, number)
        except StoreError:  # it may be there or not: the next read tells
            await tenure.sleep(STEP)


async def run(tenure: Tenure) -> None:
    say(tenure, "begin", now())
    writing = asyncio.create_task(write(tenure))
    try:
        await beat(tenure)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        say(tenure, "end", now())


for name in ("red", "green", "blue"):
    app.daemon(name=name, hard_deadline=HARD_DEADLINE)(run)
