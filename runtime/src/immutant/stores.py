"""What a backend must do: the protocols below all services.

Belongs here: the promises, in the terms in which every backend keeps them, and the plain records
that cross the border. Not here: JSON, fencing, retries, handlers: those are services, written
once above these protocols. All times are seconds, all values bytes.

A write that returned is kept by the backend's stated durability. A write that may or may not have
happened raises UncertainWriteError; a write that did not happen raises another StoreError.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

__all__ = [
    "NORMAL_PRIORITY",
    "Backend",
    "CacheStore",
    "Delivery",
    "Outgoing",
    "QueueDepth",
    "QueueStore",
    "StoredLetter",
    "TopicMessage",
    "TopicStore",
    "TopicSubscription",
]


NORMAL_PRIORITY: Final = 4
"""Of 0 to 9, where higher is received first."""


class CacheStore(Protocol):
    """Named caches of bytes by text keys.

    `ttl` is the entry's time to live from this write on; None means it does not expire. An expired
    entry is as good as absent for every method.
    """

    async def get(self, cache: str, key: str) -> bytes | None:
        """The value, None when absent."""

    async def get_many(self, cache: str, keys: Sequence[str]) -> dict[str, bytes]:
        """The values of those keys that are present."""

    async def put(self, cache: str, key: str, value: bytes, ttl: float | None) -> None:
        """Store the value, whatever was there."""

    async def put_many(self, cache: str, values: Mapping[str, bytes], ttl: float | None) -> None:
        """Store each of the values; each entry is atomic, the whole need not be."""

    async def put_if_absent(
        self, cache: str, key: str, value: bytes, ttl: float | None
    ) -> bytes | None:
        """Store the value if the key is absent: None when stored, else the value that is there."""

    async def replace(
        self, cache: str, key: str, old: bytes, new: bytes, ttl: float | None
    ) -> bool:
        """Compare-and-swap: store `new` if the value equals `old`."""

    async def remove(self, cache: str, key: str) -> bool:
        """Remove the entry; False when it was absent."""

    async def remove_if(self, cache: str, key: str, old: bytes) -> bool:
        """Compare-and-delete: remove the entry if its value equals `old`."""

    async def touch(self, cache: str, key: str, ttl: float | None) -> bool:
        """Begin a new time to live, the value unchanged; False when absent."""

    async def entries(self, cache: str, *, local: bool = False) -> dict[str, bytes]:
        """All entries; with `local` those of which this replica keeps a copy."""

    async def some(self, cache: str, limit: int) -> dict[str, bytes]:
        """Up to `limit` entries, whichever: for a look into a cache that may be large."""

    async def owners(self, cache: str, key: str) -> list[str]:
        """Who keeps a copy of the key's entry, the owner first; [] where every replica does."""

    async def size(self, cache: str) -> int:
        """How many entries there are."""

    async def clear(self, cache: str) -> None:
        """Remove all entries."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent.

    Attributes:
        body: The content.
        headers: Text by text, carried along.
        priority: 0 to 9; higher is received first.
        delay: Seconds before it can be received.
        ttl: Seconds after which, unreceived, it becomes a dead letter; None: never.
    """

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    priority: int = NORMAL_PRIORITY
    delay: float = 0.0
    ttl: float | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that was handed to a consumer, which holds it until it settles it.

    `attempt` counts the deliveries of this message, from 1. Together with `id` it names this
    delivery: whoever was overtaken holds an older attempt and can settle nothing.
    """

    id: str
    attempt: int
    body: bytes
    headers: Mapping[str, str]
    priority: int
    sent_at: float


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A message that will not be delivered again unless it is replayed.

    Attributes:
        reason: Why it died: the error of its last attempt, or "expired".
        died_at: Seconds since the epoch.
    """

    id: str
    body: bytes
    headers: Mapping[str, str]
    attempts: int
    reason: str
    died_at: float


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How many messages of a queue are ready, delayed, in the hands of consumers, dead."""

    ready: int
    delayed: int
    leased: int
    dead: int


class QueueStore(Protocol):
    """Durable queues, at least once.

    A message is the queue's until `ack`. A delivery that is neither settled nor extended for the
    visibility time, or whose consumer's process is known to be dead, becomes ready again with the
    next attempt. Consumers that wait are served in the order in which they began to wait.
    """

    async def send(self, queue: str, messages: Sequence[Outgoing]) -> list[str]:
        """Store the messages, all or none; their ids, in order."""

    async def receive(
        self, queue: str, *, visibility: float, timeout: float | None = None
    ) -> Delivery | None:
        """The next message, waiting for one; None after `timeout` seconds without one.

        Highest priority first, then in the order of sending. Cancelling is safe: a message that
        was being handed over is ready again at once, the attempt not counted.
        """

    async def extend(
        self, queue: str, deliveries: Sequence[Delivery], visibility: float
    ) -> list[Delivery]:
        """Hold the deliveries for another `visibility` from now; returns those already lost."""

    async def ack(self, queue: str, delivery: Delivery) -> bool:
        """Remove the message; False when this delivery was overtaken and nothing was removed."""

    async def give_back(
        self, queue: str, delivery: Delivery, *, delay: float = 0.0, counted: bool = True
    ) -> bool:
        """Make the message ready again after `delay`; `counted=False` takes the attempt back."""

    async def bury(self, queue: str, delivery: Delivery, reason: str) -> bool:
        """Make the message a dead letter; False when this delivery was overtaken."""

    async def dead(self, queue: str, limit: int = 100) -> list[StoredLetter]:
        """The queue's dead letters, oldest first."""

    async def replay(self, queue: str, ids: Sequence[str] | None = None) -> int:
        """Make dead letters ready again with no attempts counted; all of them without `ids`."""

    async def discard(self, queue: str, ids: Sequence[str] | None = None) -> int:
        """Forget dead letters; all of them without `ids`."""

    async def depth(self, queue: str) -> QueueDepth:
        """How many messages there are, by state.

        One that changes its state meanwhile may be counted twice, and is not missed.
        """


@dataclass(frozen=True, slots=True)
class TopicMessage:
    """One published message; `sequence` grows by one with each of its topic."""

    sequence: int
    body: bytes
    headers: Mapping[str, str]


class TopicSubscription(Protocol):
    """A live subscription: iterate for messages, `close` to end it."""

    def __aiter__(self) -> AsyncIterator[TopicMessage]: ...

    async def close(self) -> None:
        """End the subscription; the iteration ends too."""


class TopicStore(Protocol):
    """Topics: each message to every subscriber.

    A live subscription is a bounded ring: who falls further behind than the ring is long misses
    messages and sees it as a gap in the sequence. A durable subscription is a queue bound to the
    topic, with a queue's promises.
    """

    async def publish(self, topic: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Give the message to all live subscribers and to every bound queue, in one step."""

    async def subscribe(self, topic: str) -> TopicSubscription:
        """A subscription to what is published from now on."""

    async def bind(self, topic: str, queue: str) -> None:
        """From now on every message published is also sent to the queue; idempotent."""

    async def unbind(self, topic: str, queue: str) -> None:
        """Stop sending to the queue; what it holds stays."""


class Backend(Protocol):
    """One replica's connection to the shared state."""

    @property
    def caches(self) -> CacheStore: ...

    @property
    def queues(self) -> QueueStore: ...

    @property
    def topics(self) -> TopicStore: ...

    async def secret(self, name: str) -> bytes:
        """32 random bytes, drawn once for the application and the same on every replica."""

    async def close(self) -> None:
        """Give back what this replica holds and let go of the store."""
