"""The connection to the grid: its settings, and what may travel over it.

Belongs here: Hazelcast's client as we want it, and bytes as the grid keeps them. Not here: what
is stored (`caches`, `queues`, `topics`).

Only text, bytes and JSON go in and out. Hazelcast's Python client falls back to pickle for whatever
it does not know, plain `bytes` included, and unpickles what it reads: whoever can write to the grid
could run code in every replica. Both ways are closed here.
"""

import logging
from typing import Final, NoReturn

from hazelcast.asyncio import HazelcastClient
from hazelcast.config import ReconnectMode
from hazelcast.errors import HazelcastSerializationError
from hazelcast.serialization.api import ObjectDataInput, ObjectDataOutput, StreamSerializer

from immutant.contract.environment import Grid
from immutant.errors import StoreError, ValueRefusedError

__all__ = ["connect", "packed", "unpacked"]

_PICKLE: Final = -120
"""The type id of pickled objects (hazelcast.serialization.serialization_const)."""

# It warns of every connection that ends, our own farewell included; what is lost is told elsewhere.
logging.getLogger("hazelcast.internal.asyncio_reactor").setLevel(logging.ERROR)


class NoPickle(StreamSerializer):
    """Stands where the client would fall back to pickle."""

    def read(self, inp: ObjectDataInput) -> NoReturn:
        raise HazelcastSerializationError("only text, bytes and JSON are read from the grid")

    def write(self, out: ObjectDataOutput, obj: object) -> NoReturn:
        raise HazelcastSerializationError(
            f"only text, bytes and JSON are written to the grid, not {type(obj).__name__}"
        )

    def get_type_id(self) -> int:
        return 1

    def destroy(self) -> None:
        """Nothing to let go of."""


async def connect(grid: Grid, replica: str) -> HazelcastClient:
    """A client that stays connected, whatever happens; returns once it is."""
    client = HazelcastClient(
        cluster_name=grid.cluster,
        cluster_members=[str(member) for member in grid.members],
        shuffle_member_list=False,
        client_name=replica,
        labels=["immutant", replica],
        # A missing acknowledgement of a backup is doubt, not success.
        fail_on_indeterminate_operation_state=True,
        operation_backup_timeout=0.5,
        redo_operation=False,  # see `immutant.grid.calls`
        invocation_timeout=10.0,
        heartbeat_interval=1.0,
        heartbeat_timeout=5.0,
        connection_timeout=2.0,
        cluster_connect_timeout=-1,
        reconnect_mode=ReconnectMode.ON,
        retry_initial_backoff=0.1,
        retry_max_backoff=2.0,
        retry_jitter=0.2,
        global_serializer=NoPickle,
    )
    client._serialization_service._registry._id_dict.pop(_PICKLE)
    await client._start()  # type: ignore[no-untyped-call] # create_and_start would be too soon
    return client


def packed(value: bytes) -> bytearray:
    """Bytes as the client writes them: as a byte array that any language reads.

    Raises:
        ValueRefusedError: It is something else.
    """
    if not isinstance(value, bytes | bytearray | memoryview):
        raise ValueRefusedError(f"the grid keeps bytes, not {type(value).__name__}; encode it")
    return bytearray(value)


def unpacked(value: object, what: str) -> bytes:
    """Bytes as the client reads them.

    Raises:
        StoreError: Somebody has stored something else.
    """
    if not isinstance(value, bytes | bytearray):
        raise StoreError(
            f"{what} holds {type(value).__name__} instead of bytes: "
            "something other than Immutant wrote it; remove it"
        )
    return bytes(value)
