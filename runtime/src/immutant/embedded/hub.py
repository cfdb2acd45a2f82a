"""What the replicas of one process share: the connection to the store and all that serves it.

Belongs here: starting and stopping those parts in order, and the replicas' coming and going. Not
here: the stores (`backend` gives each replica its own).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from immutant.clock import Clock
from immutant.embedded import owners
from immutant.embedded.alarm import Alarm
from immutant.embedded.backstop import keep_looking
from immutant.embedded.bell import EVERYTHING, Bell
from immutant.embedded.connection import Connection
from immutant.embedded.engine import Engine, MemoryEngine
from immutant.embedded.failures import usable
from immutant.embedded.file import OpenFile, open_file, open_turnstile
from immutant.embedded.fileengine import FileEngine
from immutant.embedded.filetime import FileTime
from immutant.embedded.frozen import watch
from immutant.embedded.identity import Owner, new_process
from immutant.embedded.locks import FileLocks, Held, Locks, MemoryLocks
from immutant.embedded.opening import prepare
from immutant.embedded.peers import Peers
from immutant.embedded.post import Post

__all__ = ["Hub", "open_hub"]


@dataclass
class Hub:
    """The shared parts; they stop when the last replica has left."""

    process: str
    time: FileTime
    bell: Bell
    engine: Engine
    locks: Locks
    alarm: Alarm
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    members: int = 0

    async def enter(self, owner: Owner) -> Held:
        """Make the owner known; the lock that it holds for as long as it lives."""
        lock = self.locks.hold(owner.lock)
        self.members += 1
        try:
            await self.engine.write(partial(owners.register, owner=owner))
        except BaseException:
            await self._depart(owner, lock)
            raise
        return lock

    async def leave(self, owner: Owner, lock: Held) -> None:
        """Give back what the owner holds; with the last one the parts stop."""
        try:
            await self.engine.write(partial(owners.bury, owner=owner.id))
        finally:
            # Where the store cannot be written, the free lock lets the others do it.
            await self._depart(owner, lock)

    async def _depart(self, owner: Owner, lock: Held) -> None:
        lock.release()
        self.locks.remove(owner.lock)
        self.members -= 1
        if self.members == 0:
            await self._stop()
        # Who still waits looks, and finds that it is over.
        self.bell.ring([EVERYTHING])

    async def _stop(self) -> None:
        self.alarm.stop()
        for task in self.tasks:
            task.cancel()
        for close in self.closing:
            await close()
        await self.engine.close()


async def open_hub(directory: Path | None, clock: Clock, *, watch_peers: bool) -> Hub:
    """Open the store in the folder, or one in memory."""
    if directory is None:
        return _open_in_memory(FileTime(clock))
    turnstile = await asyncio.to_thread(open_turnstile, directory)
    with contextlib.ExitStack() as undo:
        undo.callback(turnstile.close)
        # From the start: a process that is stopped would keep this one from opening the file.
        warden = asyncio.create_task(watch(turnstile))
        undo.callback(warden.cancel)
        file = await asyncio.to_thread(open_file, directory, turnstile, clock)
        undo.callback(file.close)
        hub = _open_shared(file, watch_peers=watch_peers)
        undo.pop_all()
    hub.tasks.append(warden)
    return hub


def _open_shared(file: OpenFile, *, watch_peers: bool) -> Hub:
    process, bell = new_process(), Bell()
    with usable(file.sockets):
        post = Post(file.sockets, process, bell)
    engine, locks = FileEngine(file, post, bell), FileLocks(file.locks)
    peers = Peers(engine, locks, watch=watch_peers)
    bell.handle("peers", lambda _: peers.look())
    hub = _assemble(process, file.time, bell, engine, locks)
    hub.closing += [peers.close, post.close]
    hub.tasks.append(asyncio.create_task(keep_looking(engine, bell, hub.alarm, post, peers)))
    return hub


def _open_in_memory(time: FileTime) -> Hub:
    connection, bell = Connection(None, time), Bell()
    prepare(connection)
    return _assemble(new_process(), time, bell, MemoryEngine(connection, bell), MemoryLocks())


def _assemble(process: str, time: FileTime, bell: Bell, engine: Engine, locks: Locks) -> Hub:
    alarm = Alarm(engine, time)
    bell.handle("due", lambda instant: alarm.expect(float(instant)) if instant else alarm.look())
    return Hub(process, time, bell, engine, locks, alarm)
