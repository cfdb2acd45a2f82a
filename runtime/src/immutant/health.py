"""The health check: what those who check replicas and the replicas agree on.

Belongs here: the words of it. Not here: who asks and when (`immutant.run.router.checks`), who
answers (`immutant.web.draining`).
"""

from collections.abc import Iterable
from typing import Final

from immutant.contract import names

__all__ = ["CHECK_HEADER", "is_check", "is_ready_check"]

CHECK_HEADER: Final = names.CHECK_HEADER
"""The header by which a request for `GET /` says that it is a check, and no user's.

A replica that is leaving answers checks with 503 and users' requests to the last, so that it gets
no new ones before it has gone. Routers take the header out of what comes from outside.
"""


def is_check(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request with these headers, their names in lower case, is a check."""
    return any(name == CHECK_HEADER.encode() for name, _ in headers)


def is_ready_check(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a check asks for the process alone; the application need not hear of it."""
    return (CHECK_HEADER.encode(), names.READY_CHECK.encode()) in headers
