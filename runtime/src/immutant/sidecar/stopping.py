"""`python -m immutant.sidecar.stopping stop|wait|start`: stops what runs in a pod, and starts it.

Run in the container `runtime`, which is there whatever has become of the application. Belongs here:
setting the mark, and waiting until all have followed it. Not here: following it (`standby`,
`immutant.serve.starting`).
"""

import asyncio
import os
import sys
from typing import Final

from immutant import transport
from immutant.contract.environment import Address, Environment, PodEnvironment
from immutant.errors import ConfigurationError, CoordinatorError
from immutant.processes import status_of
from immutant.stopped import Mark

__all__ = ["main"]

_LOOK: Final = 0.3
_ENDS: Final = 60.0
"""Seconds, beyond the grace, in which the member gives its data to the others."""


def main(arguments: list[str]) -> int:
    """Ask for the stop, wait until all have stopped, or ask for the start; the exit status."""
    environment = Environment.read()
    mark = Mark(environment.app_lock)
    match arguments:
        case ["stop"]:
            mark.set()
            return os.EX_OK
        case ["wait"]:
            ops = Address(host="127.0.0.1", port=PodEnvironment.read().ops.port)
            return asyncio.run(_until_stopped(environment, ops))
        case ["start"]:
            mark.clear()
            return os.EX_OK
    raise ConfigurationError("write `stop`, `wait` or `start`")


async def _until_stopped(environment: Environment, ops: Address) -> int:
    patience = environment.grace + environment.timings.margins + _ENDS
    try:
        async with asyncio.timeout(patience):
            while not await _is_stopped(ops):  # noqa: ASYNC110 - another process ends it
                await asyncio.sleep(_LOOK)
    except TimeoutError as error:
        raise CoordinatorError(
            f"the pod has not stopped within {patience:g} s, and goes on with it; "
            "the logs of its containers say what it waits for"
        ) from error
    return os.EX_OK


async def _is_stopped(ops: Address) -> bool:
    """Whether the sidecar says so, who is the last to follow."""
    try:
        return bool((await transport.request(ops, "GET", "/standby"))["stopped"])
    except (CoordinatorError, LookupError, TypeError):
        return False


if __name__ == "__main__":
    sys.exit(status_of(lambda: main(sys.argv[1:])))
