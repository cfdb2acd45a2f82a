"""What a replica's coordinator says it holds.

Belongs here: asking it. A coordinator that does not answer is no error: the list shows a dash.
"""

from immutant.contract.environment import Address
from immutant.errors import CoordinatorError
from immutant.transport import request

__all__ = ["singletons"]

_TIMEOUT = 1.0


async def singletons(coordinator: Address) -> list[str] | None:
    """The singletons held, e.g. "daemon.counter"; None when the coordinator does not tell."""
    try:
        status = await request(coordinator, "GET", "/v1/status", timeout=_TIMEOUT)
        return [f"{tenure['kind']}.{tenure['name']}" for tenure in status["tenures"]]
    except (CoordinatorError, ValueError, LookupError, TypeError):
        return None
