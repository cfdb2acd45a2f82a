"""Spans of messages and jobs.

Belongs here: their names and attributes, by OpenTelemetry's semantic conventions for messaging
spans, and the context that travels with a message. Not here: requests.

The context travels in the message's headers, under the names that the propagators use
(`traceparent` and `tracestate` unless OTEL_PROPAGATORS says otherwise), so that a consumer in any
language can read it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from opentelemetry import propagate, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.util.types import Attributes

from immutant._version import __version__
from immutant.tracing import Operation, Sending
from immutant.wording import worded

__all__ = ["SpanTracer"]

_SYSTEM: Final = "immutant"


class SpanTracer:
    """Tells what it is told as spans."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = trace.get_tracer("immutant", __version__, provider)

    @contextmanager
    def sending(self, operation: Operation, destination: str, count: int) -> Iterator[Sending]:
        attributes = {**_messaging(operation, "send", destination), **_batch(count)}
        name = f"{operation} {destination}"
        with self.span(name, SpanKind.PRODUCER, attributes) as span:
            yield _Sending(span)

    @contextmanager
    def processing(
        self,
        destination: str,
        message: str,
        attempt: int,
        headers: Mapping[str, str],
        subscription: str | None = None,
    ) -> Iterator[None]:
        attributes: dict[str, str | int] = {
            **_messaging("process", "process", destination),
            "messaging.message.id": message,
            "messaging.immutant.message.delivery_count": attempt,
        }
        if subscription is not None:
            attributes["messaging.destination.subscription.name"] = subscription
        # On an empty context: whatever this task was begun in has not sent the message.
        sender = propagate.extract(headers, Context())
        name = f"process {destination}"
        with self.span(name, SpanKind.CONSUMER, attributes, sender, _links(sender)):
            yield

    @contextmanager
    def running(
        self, job: str, tick: str, attempt: int, scheduled_at: float, late_by: float
    ) -> Iterator[None]:
        attributes: dict[str, str | float] = {
            "immutant.job.name": job,
            "immutant.tick.id": tick,
            "immutant.tick.attempt": attempt,
            "immutant.tick.scheduled_at": scheduled_at,
            "immutant.tick.late_by": late_by,
        }
        with self.span(f"job {job}", SpanKind.INTERNAL, attributes, Context()):
            yield

    @contextmanager
    def span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        parent: Context | None = None,
        links: Sequence[Link] = (),
    ) -> Iterator[Span]:
        """A span that the code within the context belongs to.

        Args:
            name: Of a kind of work, not of one piece of it.
            kind: Which side of an exchange it is.
            attributes: What is known at its beginning.
            parent: Where it belongs; None: where the caller does.
            links: What else it follows from.
        """
        span = self._tracer.start_span(name, parent, kind, attributes, links)
        token = attach(trace.set_span_in_context(span, parent))
        try:
            yield span
        except BaseException as error:  # also what is cancelled has not come to its end
            _fail(span, error)
            raise
        finally:
            detach(token)
            span.end()


class _Sending:
    def __init__(self, span: Span) -> None:
        self._span = span

    def carrying(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        given = _links(propagate.extract(headers, Context()))
        if given:  # the user has a context of their own in mind: it is kept, and linked to
            self._span.add_link(given[0].context)
            return headers
        carried = dict(headers)
        propagate.inject(carried)
        return carried

    def sent(self, ids: Sequence[str]) -> None:
        if len(ids) == 1:
            self._span.set_attribute("messaging.message.id", ids[0])


def _messaging(operation: str, kind: str, destination: str) -> dict[str, str | int]:
    return {
        "messaging.system": _SYSTEM,
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        "messaging.destination.name": destination,
    }


def _batch(count: int) -> dict[str, str | int]:
    return {"messaging.batch.message_count": count} if count > 1 else {}


def _links(context: Context) -> list[Link]:
    """To the span in that context, if there is one."""
    found = trace.get_current_span(context).get_span_context()
    return [Link(found)] if found.is_valid else []


def _fail(span: Span, error: BaseException) -> None:
    kind = type(error)
    span.set_attribute("error.type", f"{kind.__module__}.{kind.__qualname__}")
    span.set_status(Status(StatusCode.ERROR, worded(error)))
    span.record_exception(error)
