"""What an application defines, as frozen records.

Belongs here: the records, and the registry that refuses doubles. Not here: anything that runs.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from immutant.backoff import Backoff
from immutant.durations import Duration, positive
from immutant.errors import DefinitionError
from immutant.place import Place

if TYPE_CHECKING:
    from immutant.schedules import Schedule

__all__ = [
    "CacheDefinition",
    "DaemonDefinition",
    "Function",
    "JobDefinition",
    "ListenerDefinition",
    "MountDefinition",
    "QueueDefinition",
    "Registry",
    "RouteDefinition",
    "SessionOptions",
    "TopicDefinition",
    "check_attempts",
    "check_callable",
    "check_count",
    "check_preference",
]

_ATTEMPTS = 5
"""Failures in a row of a daemon."""

Function: TypeAlias = Callable[..., Any]
"""What a user decorates: `async def` or `def`, taking as many of the arguments as it wants."""


def check_callable(function: Function, what: str, place: Place, *offered: str) -> Function:
    """The function, if it is one that can be called with what it will be offered.

    Raises:
        DefinitionError: It cannot be called, or needs more arguments.
    """
    if not callable(function):
        raise DefinitionError(f"{place}: {what} must be a function, not {function!r}")
    if offered and _needed(function) > len(offered):
        name = getattr(function, "__qualname__", repr(function))
        raise DefinitionError(
            f"{place}: {what} is called with as many of ({', '.join(offered)}) as it takes; "
            f"{name} needs more than that, so give the others a default or leave them out"
        )
    return function


def _needed(function: Function) -> int:
    """How many positional arguments the function cannot do without."""
    parameters = inspect.signature(function).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(
        one.kind in positional and one.default is inspect.Parameter.empty for one in parameters
    )


def check_preference(prefer: str, *, singleton: bool) -> str:
    """The name of the replica or the zone that should have a singleton; "" for none.

    Raises:
        DefinitionError: It is no name, or there is nothing to prefer.
    """
    if not isinstance(prefer, str) or prefer != prefer.strip() or len(prefer) > _LONGEST_PLACE:
        raise DefinitionError(
            f"prefer={prefer!r} must be the name of a replica, such as 'demo-0', or of a zone"
        )
    if prefer and not singleton:
        raise DefinitionError(
            "prefer= chooses among replicas, and with singleton=False each of them runs it; "
            "leave one of the two out"
        )
    return prefer


def check_attempts(attempts: int | None, *, singleton: bool) -> int:
    """After how many failures in a row another replica is to try a daemon; None: the usual 5.

    Raises:
        DefinitionError: It is no such number, or there is no other replica to try it.
    """
    if attempts is None:
        return _ATTEMPTS
    if not singleton:
        raise DefinitionError(
            "attempts= says when another replica tries it, and with singleton=False each of them "
            "runs it; leave one of the two out"
        )
    return check_count(attempts, "attempts")


def check_count(count: int, what: str) -> int:
    """The number of something, if it can be one.

    Raises:
        DefinitionError: It is no whole number, or less than 1.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise DefinitionError(f"{what}={count!r} must be a whole number, 1 or more")
    return count


@dataclass(frozen=True, slots=True)
class CacheDefinition:
    """A named cache; `ttl` in seconds is what its entries live without another, None: for ever."""

    name: str
    fenced: bool
    ttl: float | None
    place: Place


@dataclass(frozen=True, slots=True)
class QueueDefinition:
    """A named queue."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class TopicDefinition:
    """A named topic."""

    name: str
    place: Place

    def queue(self, subscription: str) -> str:
        """The name of the queue behind a durable subscription."""
        return f"{self.name}@{subscription}"


@dataclass(frozen=True, slots=True)
class ListenerDefinition:
    """A handler of a queue's or a topic's messages.

    Attributes:
        source: What it listens to.
        function: The user's handler, called with the body and, if it takes two, the Message.
        concurrency: How many messages each replica handles at a time.
        attempts: After so many failed attempts a message becomes a dead letter.
        visibility: Seconds after which a message whose replica froze goes to another consumer.
        backoff: The waits between the attempts.
        subscription: On a topic, the name of a durable subscription; None: live, per replica.
    """

    source: QueueDefinition | TopicDefinition
    function: Function
    concurrency: int
    attempts: int
    visibility: float
    backoff: Backoff
    subscription: str | None
    place: Place

    @property
    def queue(self) -> str | None:
        """The name of the queue that it works on; None: it follows a topic live."""
        if isinstance(self.source, QueueDefinition):
            return self.source.name
        return None if self.subscription is None else self.source.queue(self.subscription)


@dataclass(frozen=True, slots=True)
class DaemonDefinition:
    """A function that is kept running: once in the cluster, or once per replica.

    Attributes:
        hard_deadline: The kernel ends the process that outlives the deadline of a tenure.
        alive_within: Seconds within which it shows life; None: it need not.
        name: Its name in the cluster.
        function: The user's function.
        singleton: Whether the cluster has one of it.
        place: Where it was defined.
        prefer: The replica or zone that should have it; "" for none.
        attempts: After so many failures in a row another replica is to try it.
    """

    name: str
    function: Function
    singleton: bool
    place: Place
    hard_deadline: bool = False
    alive_within: float | None = None
    prefer: str = ""
    attempts: int = _ATTEMPTS

    def __post_init__(self) -> None:
        if self.hard_deadline or self.alive_within is not None:
            _check_singleton(self)
        if self.alive_within is not None and self.alive_within < _LEAST_ALIVE:
            raise DefinitionError(
                f"{self.place}: alive_within must be {_LEAST_ALIVE:g} s or more: a busy machine "
                "keeps a healthy application silent for a moment too"
            )


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """A function that runs when its schedule says: once in the cluster, or on every replica.

    Attributes:
        hard_deadline: The kernel ends the process that outlives the deadline of a tenure.
    """

    name: str
    function: Function
    schedule: "Schedule"
    singleton: bool
    place: Place
    hard_deadline: bool = False
    prefer: str = ""

    def __post_init__(self) -> None:
        if self.hard_deadline:
            _check_singleton(self)


def _check_singleton(definition: DaemonDefinition | JobDefinition) -> None:
    if not definition.singleton:
        raise DefinitionError(
            f"{definition.place}: hard_deadline and alive_within are for what another replica can "
            "go on with; leave them out, or singleton=False"
        )


@dataclass(frozen=True, slots=True)
class RouteDefinition:
    """A web handler; `methods` is empty for a websocket."""

    path: str
    methods: tuple[str, ...]
    function: Function
    place: Place


@dataclass(frozen=True, slots=True)
class MountDefinition:
    """A whole ASGI or WSGI application under a path."""

    path: str
    application: Function
    place: Place


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How web sessions are kept.

    Attributes:
        cookie: The cookie's name.
        idle: How long a session lives without a request, more than zero.
        same_site: Which cross-site requests carry the cookie.
        secure: Whether the cookie goes over TLS only; None: if it was given over TLS.
        http_only: Whether scripts in the page cannot read the cookie.
        path: The part of the site that gets the cookie.
        domain: The domain that gets it; None: the host that set it, alone.

    Raises:
        DefinitionError: `idle` cannot be.
    """

    cookie: str = "immutant_session"
    idle: Duration = "30m"
    same_site: Literal["lax", "strict", "none"] = "lax"
    secure: bool | None = None
    http_only: bool = True
    path: str = "/"
    domain: str | None = None

    def __post_init__(self) -> None:
        with Place.of_caller().named():
            positive(self.idle, "SessionOptions.idle")


@dataclass(slots=True)
class Registry:
    """All definitions of one application, in the order in which they were made."""

    caches: list[CacheDefinition] = field(default_factory=list)
    queues: list[QueueDefinition] = field(default_factory=list)
    topics: list[TopicDefinition] = field(default_factory=list)
    listeners: list[ListenerDefinition] = field(default_factory=list)
    daemons: list[DaemonDefinition] = field(default_factory=list)
    jobs: list[JobDefinition] = field(default_factory=list)
    routes: list[RouteDefinition] = field(default_factory=list)
    mounts: list[MountDefinition] = field(default_factory=list)
    _taken: dict[tuple[str, str], Place] = field(default_factory=dict)

    def have_hard_deadlines(self) -> bool:
        """Whether the kernel is to end this application at the deadline of a tenure."""
        daemons, jobs = self.daemons, self.jobs
        return any(one.hard_deadline for one in daemons) or any(one.hard_deadline for one in jobs)

    def residents(self) -> "list[DaemonDefinition | JobDefinition]":
        """The daemons and jobs that every replica runs by itself."""
        every: list[DaemonDefinition | JobDefinition] = [*self.daemons, *self.jobs]
        return [definition for definition in every if not definition.singleton]

    def claim(self, kind: str, name: str, place: Place) -> None:
        """Take the name for this kind of thing.

        Raises:
            DefinitionError: It is no name, or is taken; the text names both places.
        """
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise DefinitionError(f"{place}: {name!r} is no name for a {kind}; write readable text")
        if len(name.encode()) > _MAX_NAME:
            raise DefinitionError(f"{place}: the name of a {kind} has at most {_MAX_NAME} bytes")
        former = self._taken.setdefault((kind, name), place)
        if former is not place:
            raise DefinitionError(
                f"{kind} {name!r} is defined twice, at {former} and at {place}; define it once and "
                "import that object elsewhere, or give one of the two another name"
            )


_LEAST_ALIVE = 1.0
"""Seconds."""

_LONGEST_PLACE = 253
"""Characters: no name of a pod is longer, and no zone's."""

_MAX_NAME = 200
"""Bytes: leaves room for prefixes in the stores' own limits."""
