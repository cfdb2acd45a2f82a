"""A replica in a process of its own: `replica.py FOLDER NAME ROLE`; it prints what it did."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from immutant.embedded import EmbeddedBackend
from immutant.embedded.transaction import Transaction
from immutant.leases import Lease
from immutant.stores import Outgoing


async def consume(backend: EmbeddedBackend) -> None:
    """Take one message after the other; "-" when it waits for the next."""
    while True:
        waiting = asyncio.create_task(backend.queues.receive("q", visibility=600))
        await asyncio.sleep(0)
        await backend.queues.depth("none")
        say("-")
        delivery = await waiting
        assert delivery is not None
        say(delivery.body.decode())
        await backend.queues.ack("q", delivery)


async def hold(backend: EmbeddedBackend) -> None:
    """Receive a message and never settle it."""
    delivery = await backend.queues.receive("q", visibility=600)
    assert delivery is not None
    say(delivery.body.decode())
    await asyncio.Event().wait()


async def wait(backend: EmbeddedBackend) -> None:
    """Wait for a message."""
    task = asyncio.create_task(backend.queues.receive("none", visibility=600))
    await asyncio.sleep(0)
    await backend.queues.depth("none")
    say("waiting")
    await task


async def work(backend: EmbeddedBackend) -> None:
    """Put entries, and move each message from one queue to another; tell what was acknowledged."""

    async def put() -> None:
        for number in range(1_000_000):
            key = f"{os.getpid()}-{number}"
            await backend.caches.put("c", key, b"1", None)
            say(f"put {key}")

    async def move() -> None:
        while True:
            delivery = await backend.queues.receive("q", visibility=600)
            assert delivery is not None
            await backend.queues.send("moved", [Outgoing(delivery.body)])
            if await backend.queues.ack("q", delivery):
                say(f"moved {delivery.body.decode()}")

    await asyncio.gather(put(), move())


async def freeze(backend: EmbeddedBackend) -> None:
    """Stop in the middle of a transaction."""

    def stop(transaction: Transaction) -> None:
        transaction.run("INSERT INTO meta VALUES ('frozen', 1)")
        say("frozen")
        os.kill(os.getpid(), signal.SIGSTOP)
        time.sleep(60)  # The signal may reach another thread of the process first.

    await backend._hub.engine.write(stop)


async def send_and_die(backend: EmbeddedBackend) -> None:
    """Die between a commit and the wake-ups that follow it."""
    post = backend._hub.engine._post  # type: ignore[attr-defined]
    post.deliver = lambda topics: os.kill(os.getpid(), signal.SIGKILL)
    await backend.queues.send("q", [Outgoing(b"1")])


async def live(backend: EmbeddedBackend) -> None:
    """Hold an incarnation's lock and its member lease."""
    backend.leases.hold("life")
    await backend.leases.write(Lease("app.member.0", holder="life"), 0)
    say("alive")
    await asyncio.Event().wait()


def say(text: str) -> None:
    print(text, flush=True)


async def main(folder: str, name: str, role: str) -> None:
    backend = await EmbeddedBackend.open(Path(folder), replica=name)
    await globals()[role](backend)


asyncio.run(main(*sys.argv[1:]))
