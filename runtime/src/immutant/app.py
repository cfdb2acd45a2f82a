"""The App: where users say what their application is.

Belongs here: the handles and the decorators of what works in the background. Not here: pages
(`immutant.webside`) and running anything (`immutant.runtime`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, overload

from immutant.backoff import Backoff
from immutant.definitions import (
    CacheDefinition,
    DaemonDefinition,
    Function,
    JobDefinition,
    ListenerDefinition,
    QueueDefinition,
    Registry,
    SessionOptions,
    TopicDefinition,
    check_attempts,
    check_callable,
    check_count,
    check_preference,
)
from immutant.durations import Duration, positive
from immutant.errors import DefinitionError
from immutant.place import Place
from immutant.running import Binding
from immutant.services.cache import Cache
from immutant.services.job import Job, Jobs
from immutant.services.queue import Queue
from immutant.services.topic import Topic
from immutant.webside import WebSide

if TYPE_CHECKING:
    from immutant.schedules import Interrupted, Misfire, Overlap

__all__ = ["App"]

F = TypeVar("F", bound=Function)


class App(WebSide):
    """An application: what it keeps, what it handles, what it runs.

    Everything is defined before anything runs. Functions may be `async def` or `def`; the latter
    run in threads, and use `.blocking` of caches, queues and topics.

    Attributes:
        jobs: The jobs by name, to be paused, triggered and looked at.
    """

    def __init__(self, name: str, *, sessions: SessionOptions | None = SessionOptions()) -> None:  # noqa: B008 - frozen
        """Make an application.

        Args:
            name: Names it in errors, on its welcome page and in tests. Under `immutant run` its
                replicas are named by `--name`, or after the folder.
            sessions: How web sessions are kept; None: there are none.

        Raises:
            DefinitionError: `name` cannot be one.
        """
        self.name = name
        self.definitions = Registry()
        self.definitions.claim("application", name, Place.of_caller())
        self.sessions = sessions
        self.binding = Binding(name)
        self.jobs = Jobs()

    def cache(self, name: str, *, fenced: bool = False, ttl: Duration | None = None) -> Cache:
        """A cache that all replicas share.

        Args:
            name: Its name in the application.
            fenced: Refuse writes of a daemon's or job's former tenures. A cache is fenced from its
                first entry on.
            ttl: How long an entry lives when its write says nothing else; None: for ever.
        """
        place = Place.of_caller()
        with place.named():
            limit = None if ttl is None else positive(ttl, "ttl")
        self.definitions.claim("cache", name, place)
        definition = CacheDefinition(name, fenced, limit, place)
        self.definitions.caches.append(definition)
        return Cache(definition, self.binding)

    def queue(self, name: str) -> Queue:
        """A durable queue that all replicas share."""
        definition = QueueDefinition(name, Place.of_caller())
        self.definitions.claim("queue", name, definition.place)
        self.definitions.queues.append(definition)
        return Queue(definition, self.binding)

    def topic(self, name: str) -> Topic:
        """A topic that all replicas share."""
        definition = TopicDefinition(name, Place.of_caller())
        self.definitions.claim("topic", name, definition.place)
        self.definitions.topics.append(definition)
        return Topic(definition, self.binding)

    def listener(
        self,
        source: Queue | Topic,
        *,
        concurrency: int = 1,
        attempts: int = 10,
        visibility: Duration = "30s",
        backoff: Duration | Backoff = "1s",
        subscription: str | None = None,
    ) -> Callable[[F], F]:
        """Handle the messages of a queue or topic with the decorated function.

        It is called with the body and, if it takes a second argument, the Message. When it returns,
        the message is done; when it raises, the message is tried again after a growing wait.

        Args:
            source: A queue: each message goes to one replica. A topic: to every replica, and once,
                without a second attempt.
            concurrency: How many messages each replica handles at a time.
            attempts: After so many failures a message becomes a dead letter.
            visibility: A message whose replica freezes goes elsewhere after that; it is extended
                while the function runs.
            backoff: The wait after the first failure (it doubles, up to 5 minutes), or a Backoff.
            subscription: For a topic: names a durable subscription, kept while nobody listens, of
                which each message goes to one replica, like a queue's.
        """
        place = self._place()
        with place.named():
            check_count(concurrency, "concurrency")
            check_count(attempts, "attempts")
            hold = positive(visibility, "visibility")
        waits = backoff if isinstance(backoff, Backoff) else Backoff(backoff)
        self._check_source(source, subscription, place)

        def decorate(function: F) -> F:
            self.definitions.listeners.append(
                ListenerDefinition(
                    source=source.definition,
                    function=check_callable(function, "a listener", place, "body", "message"),
                    concurrency=concurrency,
                    attempts=attempts,
                    visibility=hold,
                    backoff=waits,
                    subscription=subscription,
                    place=place,
                )
            )
            return function

        return decorate

    @overload
    def daemon(self, function: F, /) -> F: ...

    @overload
    def daemon(
        self,
        function: None = None,
        /,
        *,
        name: str | None = None,
        singleton: bool = True,
        hard_deadline: bool = False,
        alive_within: Duration | None = None,
        prefer: str = "",
        attempts: int | None = None,
    ) -> Callable[[F], F]: ...

    def daemon(
        self,
        function: Any = None,
        /,
        *,
        name: str | None = None,
        singleton: bool = True,
        hard_deadline: bool = False,
        alive_within: Duration | None = None,
        prefer: str = "",
        attempts: int | None = None,
    ) -> Any:
        """Keep the decorated function running: once in the cluster, elsewhere when that one dies.

        It is called with its Tenure, if it takes an argument. When it returns or raises it is
        started again after a wait; when it does so again and again, another replica tries it.

        Args:
            function: The function, when the decorator is written without parentheses.
            name: Its name in the cluster; the function's own by default.
            singleton: False: once on every replica.
            hard_deadline: The kernel ends this replica's application as soon as it outlives a
                tenure of this daemon by the stop margin: while it is frozen, or when it has been
                too busy to read that the tenure goes on. Linux only.
            alive_within: How long the daemon may go on without `tenure.sleep`, `every` or `check`,
                and the application without answering, 1 s at least. Then its tenure ends, and an
                application that does not answer is killed; None: for ever.
            prefer: The replica that should have it while it is there, such as "demo-0", or in a
                cluster the zone.
            attempts: After so many failures in a row (or returns), 5 by default, another replica
                is to try it; a minute without one begins the count anew.

        Raises:
            DefinitionError: An argument cannot be what it is; the text says what to write instead.
        """
        place = self._place()
        with place.named():
            within = None if alive_within is None else positive(alive_within, "alive_within")
            check_preference(prefer, singleton=singleton)
            most = check_attempts(attempts, singleton=singleton)

        def decorate(function: F) -> F:
            known = name or _name(function)
            self.definitions.claim("daemon", known, place)
            check_callable(function, "a daemon", place, "tenure")
            self.definitions.daemons.append(
                DaemonDefinition(
                    known, function, singleton, place, hard_deadline, within, prefer, most
                )
            )
            return function

        return decorate if function is None else decorate(function)

    def job(
        self,
        function: Function | None = None,
        /,
        *,
        every: Duration | None = None,
        cron: str | None = None,
        tz: str | None = None,
        at: datetime | float | None = None,
        in_: Duration | None = None,
        until: datetime | float | None = None,
        repeat: int | None = None,
        misfire: "Misfire" = "latest",
        window: Duration = "1h",
        interrupted: "Interrupted" = "rerun",
        overlap: "Overlap" = "skip",
        jitter: Duration = 0.0,
        timeout: Duration | None = None,
        retries: int = 0,
        backoff: Duration | Backoff = "1s",
        singleton: bool = True,
        name: str | None = None,
        hard_deadline: bool = False,
        prefer: str = "",
    ) -> Callable[[F], F]:
        """Run the decorated function when it is due: once in the cluster for each due time.

        It is called with its Tick, if it takes an argument. `app.jobs[name]` commands it. Another
        schedule under the same name replaces the former one.

        Args:
            function: Nothing: a job needs its schedule, and so its parentheses.
            every: The time between runs.
            cron: Five fields, or six with the seconds first.
            tz: The IANA time zone in which `cron` and naive datetimes are read; UTC by default.
            at: The first run.
            in_: The first run, counted from the job's first sight in the cluster.
            until: No run after that.
            repeat: How many runs of `every` or `cron` follow the first.
            misfire: Of the runs missed while nobody could run them: "skip" all, run the "latest",
                or "all" within `window` (not with `overlap="cancel"`).
            window: How far back "all" looks.
            interrupted: A run that was cut off is run again ("rerun") or only recorded ("record").
            overlap: What comes due during a run is passed over ("skip"), waits ("queue", the latest
                10), runs beside it ("allow", up to 16), or the run is cancelled for it ("cancel").
            jitter: Each run begins up to that much later, by a chance that is the same wherever it
                runs; shorter than the time between two runs.
            timeout: A run that takes longer is cancelled, and has failed.
            retries: How often a run that failed is tried again, with the same `tick.id`.
            backoff: The wait before the first retry (it doubles, up to 5 minutes), or a Backoff.
            singleton: False: on every replica.
            name: Its name in the cluster; the function's own by default.
            hard_deadline: As of a daemon: the kernel ends what outlives its tenure.
            prefer: The replica that should run it while it is there, such as "demo-0", or in a
                cluster the zone.

        Raises:
            DefinitionError: It cannot be a schedule; the text says what to write instead.
        """
        from immutant.schedules import Schedule  # only who has jobs pays for time zones

        place = self._place()
        if function is not None:
            raise DefinitionError(f'{place}: a job needs its schedule; write @app.job(every="20s")')
        with place.named():
            check_preference(prefer, singleton=singleton)
            schedule = Schedule.of(
                every=every,
                cron=cron,
                tz=tz,
                at=at,
                in_=in_,
                until=until,
                repeat=repeat,
                misfire=misfire,
                window=window,
                interrupted=interrupted,
                overlap=overlap,
                jitter=jitter,
                timeout=timeout,
                retries=retries,
                backoff=backoff,
            )

        def decorate(function: F) -> F:
            known = name or _name(function)
            self.definitions.claim("job", known, place)
            check_callable(function, "a job", place, "tick")
            definition = JobDefinition(
                known, function, schedule, singleton, place, hard_deadline, prefer
            )
            self.definitions.jobs.append(definition)
            self.jobs[known] = Job(definition, self.binding)
            return function

        return decorate

    def _place(self) -> Place:
        """Where the user defines what works in the background; too late once it does."""
        place = Place.of_caller()
        if self.binding.find() is not None:
            raise DefinitionError(
                f"{place}: the application runs already, and would never look at this; define "
                "listeners, daemons and jobs when their module is imported"
            )
        return place

    def _check_source(self, source: Queue | Topic, subscription: str | None, place: Place) -> None:
        if not isinstance(source, Queue | Topic):
            raise DefinitionError(
                f"{place}: a listener listens to what app.queue(...) or app.topic(...) returned, "
                f"not to {source!r}"
            )
        if subscription is None:
            return
        if isinstance(source, Queue):
            raise DefinitionError(
                f"{place}: subscription= is for topics; all listeners of a queue share its messages"
            )
        self.definitions.claim("queue", source.definition.queue(subscription), place)


def _name(function: Function) -> str:
    return str(getattr(function, "__name__", ""))
