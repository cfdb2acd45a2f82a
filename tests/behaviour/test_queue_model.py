"""A queue against a plain model of what it promises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.chaos.settings import LONG

from immutant.stores import Backend, Delivery, Outgoing, QueueDepth, QueueStore

MINUTE = 60.0

OPERATIONS = st.lists(
    st.one_of(
        st.tuples(
            st.just("send"),
            st.sampled_from([1, 4, 9]),
            st.sampled_from([0, 0, 2]),
            st.sampled_from([None, None, 3]),
        ),
        st.tuples(st.just("receive"), st.sampled_from([2, 100_000])),
        st.tuples(st.just("ack"), st.integers(0, 1)),
        st.tuples(st.just("give_back"), st.integers(0, 1), st.sampled_from([0, 1]), st.booleans()),
        st.tuples(st.just("bury"), st.integers(0, 1)),
        st.tuples(st.just("extend"), st.integers(0, 1), st.sampled_from([1, 5])),
        st.tuples(st.sampled_from(["replay", "discard", "elapse", "elapse"])),
    ),
    min_size=30,
    max_size=60,
)


@settings(
    max_examples=200 if LONG else 25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(OPERATIONS)
async def test_it_is_a_list_from_which_the_best_is_lent(
    backend: Backend, world: Any, operations: list[Any]
) -> None:
    run = Run(backend.queues, world)
    for name, *arguments in operations:
        await getattr(run, name)(*arguments)
        await run.compare()


class Run:
    """Does everything to a queue and to the model, and compares the answers."""

    def __init__(self, store: QueueStore, world: Any) -> None:
        self._store = store
        self._world = world
        self._queue = f"q{uuid4()}"
        self._model = Model()
        self._held: list[tuple[Delivery, Message]] = []

    async def compare(self) -> None:
        assert await self._store.depth(self._queue) == self._model.depth()
        dead = await self._store.dead(self._queue)
        assert [(letter.body, letter.attempts, letter.reason) for letter in dead] == (
            self._model.dead()
        )

    async def elapse(self) -> None:
        if self._world.is_turned:
            await self._world.elapse(MINUTE)
            self._model.elapse()
        self._held = [pair for pair in self._held if self._model.is_held(pair[1])]

    async def send(self, priority: int, delay: int, ttl: int | None) -> None:
        body = b"%d" % self._model.sent
        self._model.send(body, priority, delay, ttl)
        seconds = None if ttl is None else ttl * MINUTE
        message = Outgoing(body, priority=priority, delay=delay * MINUTE, ttl=seconds)
        await self._store.send(self._queue, [message])

    async def receive(self, minutes: int) -> None:
        message = self._model.receive(minutes)
        delivery = await self._store.receive(self._queue, visibility=minutes * MINUTE, timeout=0)
        assert (delivery and (delivery.body, delivery.attempt)) == (
            message and (message.body, message.attempt)
        )
        if delivery and message:
            self._held.append((delivery, message))

    async def ack(self, place: int) -> None:
        for delivery, message in self._settled(place):
            assert await self._store.ack(self._queue, delivery)
            self._model.messages.remove(message)

    async def give_back(self, place: int, delay: int, counted: bool) -> None:
        for delivery, message in self._settled(place):
            assert await self._store.give_back(
                self._queue, delivery, delay=delay * MINUTE, counted=counted
            )
            self._model.give_back(message, delay, counted)

    async def bury(self, place: int) -> None:
        for delivery, message in self._settled(place):
            assert await self._store.bury(self._queue, delivery, "why")
            self._model.die(message, "why")

    async def extend(self, place: int, minutes: int) -> None:
        for delivery, message in self._held[place:][:1]:
            assert await self._store.extend(self._queue, [delivery], minutes * MINUTE) == []
            message.wake = self._model.minute + minutes

    async def replay(self) -> None:
        assert await self._store.replay(self._queue) == self._model.replay()

    async def discard(self) -> None:
        assert await self._store.discard(self._queue) == self._model.discard()

    def _settled(self, place: int) -> list[tuple[Delivery, Message]]:
        """The delivery to settle next; none when so many are not held."""
        chosen = self._held[place:][:1]
        self._held[place : place + 1] = []
        return chosen


@dataclass(eq=False)
class Message:
    number: int
    body: bytes
    priority: int
    expires: float
    state: str = "ready"
    wake: float = 0
    attempt: int = 0


@dataclass
class Model:
    """A queue as a list; its time is a number of minutes."""

    minute: float = 0
    sent: int = 0
    messages: list[Message] = field(default_factory=list)
    graves: list[tuple[Message, str]] = field(default_factory=list)

    def elapse(self) -> None:
        self.minute += 1
        for message in sorted(
            self.messages, key=lambda message: (self._due(message), message.number)
        ):
            if self._due(message) > self.minute:
                continue
            if message.expires <= self.minute:
                self.die(message, "expired")
            else:
                message.state = "ready"

    def _due(self, message: Message) -> float:
        """When something happens to the message by itself."""
        if message.state == "leased":
            return message.wake
        return message.expires if message.state == "ready" else min(message.wake, message.expires)

    def send(self, body: bytes, priority: int, delay: int, ttl: int | None) -> None:
        self.sent += 1
        expires = float("inf") if ttl is None else self.minute + ttl
        message = Message(self.sent, body, priority, expires)
        self.messages.append(message)
        if delay:
            message.state, message.wake = "delayed", self.minute + delay

    def receive(self, visibility: int) -> Message | None:
        ready = [message for message in self.messages if message.state == "ready"]
        if not ready:
            return None
        best = min(ready, key=lambda message: (-message.priority, message.number))
        best.state, best.wake = "leased", self.minute + visibility
        best.attempt += 1
        return best

    def is_held(self, message: Message) -> bool:
        return message in self.messages and message.state == "leased"

    def give_back(self, message: Message, delay: int, counted: bool) -> None:
        message.state = "delayed" if delay else "ready"
        message.wake = self.minute + delay
        message.attempt -= 0 if counted else 1
        if message.expires <= self.minute:
            self.die(message, "expired")

    def die(self, message: Message, reason: str) -> None:
        self.messages.remove(message)
        self.graves.append((message, reason))

    def replay(self) -> int:
        risen = [message for message, _ in self.graves]
        for message in risen:
            self.send(message.body, message.priority, 0, None)
        return self.discard()

    def discard(self) -> int:
        count = len(self.graves)
        self.graves.clear()
        return count

    def dead(self) -> list[tuple[bytes, int, str]]:
        return [(message.body, message.attempt, reason) for message, reason in self.graves]

    def depth(self) -> QueueDepth:
        states = [message.state for message in self.messages]
        ready, delayed, leased = map(states.count, ("ready", "delayed", "leased"))
        return QueueDepth(ready, delayed, leased, len(self.graves))
