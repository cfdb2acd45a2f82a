"""The router: a listening socket, its clients' connections, its replicas.

Belongs here: beginning and ending. Not here: what happens on a connection.
"""

import asyncio
import socket

import h11

from immutant.run.router.checks import Checks
from immutant.run.router.connection import Connection
from immutant.run.router.peer import Peer
from immutant.run.router.pool import Pool, WebBackend

__all__ = ["Router"]


class Router:
    """Serves a web port from a pool of replicas.

    Attributes:
        pool: The replicas.
    """

    def __init__(self, pool: Pool, *, patience: float = 5.0) -> None:
        """Prepare to serve.

        Args:
            pool: The replicas, which may come and go.
            patience: Seconds that a request may wait for a replica that is coming.
        """
        self.pool = pool
        self._checks = Checks(pool)
        self._patience = patience
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], Connection] = {}

    def add(self, backend: WebBackend) -> None:
        """Begin to check a replica; it is served once it is up."""
        self.pool.add(backend)
        self._checks.watch(backend)

    def remove(self, backend: WebBackend) -> None:
        """Forget a replica."""
        self._checks.forget(backend)
        self.pool.remove(backend)

    async def start(self, listener: socket.socket) -> None:
        """Begin to serve."""
        self._server = await asyncio.start_server(self._accept, sock=listener)

    def finish(self) -> None:
        """Take no new connection and no new request; requests at work go on."""
        if self._server is not None:
            self._server.close()
        for task, connection in self._connections.items():
            connection.closing = True
            if connection.idle:
                task.cancel()

    async def close(self) -> None:
        """End everything, also what is at work."""
        self.finish()
        self._checks.close()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(Peer(h11.SERVER, reader, writer), self.pool, self._patience)
        task = asyncio.create_task(connection.run())
        self._connections[task] = connection
        task.add_done_callback(self._connections.pop)
