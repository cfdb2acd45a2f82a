"""Rates of the embedded store, from one process, from three, and in memory.

`python tools/bench_embedded.py [SECONDS]`: each row is operations a second of all processes
together, each with 32 tasks, on a store in a new folder on the disk of temporary files.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from immutant.embedded import EmbeddedBackend
from immutant.stores import Outgoing

TASKS = 32
Operation = Callable[[EmbeddedBackend, str], Awaitable[object]]


async def put(backend: EmbeddedBackend, key: str) -> None:
    """Put an entry of 100 bytes, other ones than before: what is the same is not written."""
    await backend.caches.put("c", key, os.urandom(100), None)


async def get(backend: EmbeddedBackend, key: str) -> None:
    """Get an entry."""
    await backend.caches.get("c", key)


async def cycle(backend: EmbeddedBackend, key: str) -> None:
    """Send a message, receive one, acknowledge it."""
    await backend.queues.send("q", [Outgoing(b"x" * 100)])
    delivery = await backend.queues.receive("q", visibility=30)
    assert delivery is not None
    await backend.queues.ack("q", delivery)


async def publish(backend: EmbeddedBackend, key: str) -> None:
    """Publish to a topic that nobody subscribes to."""
    await backend.topics.publish("t", b"x" * 100, {})


OPERATIONS: dict[str, Operation] = {
    "puts": put,
    "gets": get,
    "send + receive + ack": cycle,
    "publishes": publish,
}


async def measure(operation: Operation, folder: Path | None, seconds: float) -> int:
    """How many operations were done in that time."""
    backend = await EmbeddedBackend.open(folder, replica="bench")
    end = time.perf_counter() + seconds

    async def repeat(task: int) -> int:
        count = 0
        while time.perf_counter() < end:
            await operation(backend, f"{task}-{count % 100}")
            count += 1
        return count

    counts = await asyncio.gather(*(repeat(task) for task in range(TASKS)))
    await backend.close()
    return sum(counts)


def rate(name: str, processes: int, seconds: float) -> float:
    """Operations a second of so many processes on one file."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--measure", name, folder, str(seconds)]
        running = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)
        ]
        return sum(int(process.communicate()[0]) for process in running) / seconds


def main(seconds: float) -> None:
    """Measure everything and print it."""
    for name, operation in OPERATIONS.items():
        memory = asyncio.run(measure(operation, None, seconds)) / seconds
        one, three = rate(name, 1, seconds), rate(name, 3, seconds)
        print(
            f"{name:22} {one:8,.0f}/s one process {three:8,.0f}/s three {memory:8,.0f}/s in memory"
        )


if sys.argv[1:2] == ["--measure"]:
    _, _, chosen, where, how_long = sys.argv
    print(asyncio.run(measure(OPERATIONS[chosen], Path(where), float(how_long))))
else:
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)
