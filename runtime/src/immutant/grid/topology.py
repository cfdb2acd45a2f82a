"""Which entries the member beside this replica keeps.

Belongs here: asking that member who owns and backs up partitions and keys. Not here: entries.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from immutant.clock import Clock
from immutant.contract.environment import Address
from immutant.errors import StoreError

__all__ = ["Topology"]

T = TypeVar("T")

_FRESH: Final = 1.0
"""Seconds for which an answer is good enough; partitions move when members come and go."""

_PATIENCE: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Table:
    """The partitions of which the member keeps a copy, as owner or backup."""

    kept: frozenset[int]
    asked_at: float


class Topology:
    """The topology as the member beside this replica sees it."""

    def __init__(self, address: Address, clock: Clock) -> None:
        self._address = address
        self._clock = clock
        self._table = _Table(frozenset(), float("-inf"))

    async def kept(self) -> frozenset[int]:
        """The partitions of which that member keeps a copy.

        Raises:
            StoreError: It does not answer.
        """
        now = self._clock.now()
        if now - self._table.asked_at >= _FRESH:
            self._table = _Table(await self._ask("/v1/partitions", parse), now)
        return self._table.kept

    async def owners(self, structure: str, key: str) -> list[str]:
        """The addresses of the members that keep the key's entry, the owner first.

        Raises:
            StoreError: The member beside this replica does not answer.
        """
        query = urlencode({"map": structure, "key": key})
        return await self._ask(f"/v1/owners?{query}", _members)

    async def _ask(self, path: str, parsed: Callable[[bytes], T]) -> T:
        try:
            async with asyncio.timeout(_PATIENCE):
                return parsed(await self._get(path))
        except (OSError, TimeoutError, LookupError, TypeError, ValueError) as error:
            raise StoreError(
                f"the member at {self._address} does not tell what it keeps ({error!r}); "
                "is it running beside this replica?"
            ) from error

    async def _get(self, path: str) -> bytes:
        """The body of an answer; HTTP/1.0, so that its end is the connection's."""
        reader, writer = await asyncio.open_connection(self._address.host, self._address.port)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\nhost: {self._address}\r\n\r\n".encode())
            head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        finally:
            writer.close()
        status = head.split(None, 2)[1]
        if status != b"200":
            raise ValueError(f"status {status.decode()}")
        return body


def parse(body: bytes) -> frozenset[int]:
    """The partitions kept by the member that answers, out of its answer."""
    answer: dict[str, Any] = json.loads(body)
    members: Sequence[str] = answer["members"]
    me = members.index(answer["self"])
    replicas: Sequence[Sequence[int]] = answer["replicas"]
    return frozenset(partition for partition, keepers in enumerate(replicas) if me in keepers)


def _members(body: bytes) -> list[str]:
    """The members of an answer about one key."""
    return [str(member) for member in json.loads(body)["members"]]
