"""Immutant: caches, queues, daemons, jobs and sessions for a clustered Python service.

This module is the public API; whatever is not named in `__all__` here, in `immutant.testing` or in
`immutant.errors` may change without notice. A name is loaded when it is first used: the command
line and the supervisor live in this package too, and must start without what applications need.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from immutant._version import __version__

if TYPE_CHECKING:
    from immutant.app import App
    from immutant.backoff import Backoff
    from immutant.clock import Clock
    from immutant.definitions import SessionOptions
    from immutant.errors import (
        BlockingCallError,
        CapacityError,
        ConfigurationError,
        ConflictError,
        CoordinatorError,
        DefinitionError,
        ImmutantError,
        NotRunningError,
        SessionEndedError,
        StaleTenureError,
        StoreError,
        TenureLostError,
        UncertainWriteError,
        ValueRefusedError,
    )
    from immutant.link import JobStatus, TickRun
    from immutant.services.cache import Cache
    from immutant.services.job import Job
    from immutant.services.messages import DeadLetter, Message
    from immutant.services.queue import Queue, Received
    from immutant.services.session import Session
    from immutant.services.topic import Topic
    from immutant.stores import QueueDepth
    from immutant.tenure import BlockingTenure, Tenure, Tick

__all__ = [
    "App",
    "Backoff",
    "BlockingCallError",
    "BlockingTenure",
    "Cache",
    "CapacityError",
    "Clock",
    "ConfigurationError",
    "ConflictError",
    "CoordinatorError",
    "DeadLetter",
    "DefinitionError",
    "ImmutantError",
    "Job",
    "JobStatus",
    "Message",
    "NotRunningError",
    "Queue",
    "QueueDepth",
    "Received",
    "Session",
    "SessionEndedError",
    "SessionOptions",
    "StaleTenureError",
    "StoreError",
    "Tenure",
    "TenureLostError",
    "Tick",
    "TickRun",
    "Topic",
    "UncertainWriteError",
    "ValueRefusedError",
    "__version__",
]

_HOMES = {
    "App": "app",
    "Backoff": "backoff",
    "BlockingTenure": "tenure",
    "Cache": "services.cache",
    "Clock": "clock",
    "DeadLetter": "services.messages",
    "Job": "services.job",
    "JobStatus": "link",
    "Message": "services.messages",
    "Queue": "services.queue",
    "QueueDepth": "stores",
    "Received": "services.queue",
    "Session": "services.session",
    "SessionOptions": "definitions",
    "Tenure": "tenure",
    "Tick": "tenure",
    "TickRun": "link",
    "Topic": "services.topic",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'immutant' has no attribute {name!r}")
    value: object = getattr(import_module(f"immutant.{_HOMES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value
