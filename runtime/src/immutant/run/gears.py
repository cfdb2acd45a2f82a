"""The list of replicas that `immutant gears` prints.

Belongs here: the record of one replica. Not here: printing it (`immutant.cli.views`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Gear"]


@dataclass(frozen=True, slots=True)
class Gear:
    """One replica as it stands.

    Attributes:
        state: starting, running, restarting, stopping, stopped or failed.
        pid: The application's process; None when it does not run.
        coordinator: The coordinator's process; None when it does not run.
        web: Whether the router gives it requests.
        singletons: What it holds, as "daemon.NAME" and "job.NAME"; None when it is not known.
        restarts: How often its application or coordinator was started again after it died.
    """

    name: str
    state: str
    pid: int | None
    coordinator: int | None
    web: bool
    singletons: Sequence[str] | None
    restarts: int
