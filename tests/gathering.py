"""What a run measures, brought together in the process that prints it.

Belongs here: how it comes from the worker processes (pytest-xdist), where tests measure. Not here:
what it is.
"""

import pickle
from typing import Any

import pytest

__all__ = ["Gathering"]


class Gathering:
    """A plugin by which the run's own process gets what its workers have kept in a dictionary."""

    def __init__(self, name: str, kept: dict[str, Any]) -> None:
        """Gather into a dictionary.

        Args:
            name: Which, among those of a run.
            kept: Where tests keep what they measure; each key comes from one worker.
        """
        self._name = name
        self._kept = kept

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send it, in a worker."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[self._name] = pickle.dumps(self._kept)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take it from a worker that has ended; one that crashed has sent nothing."""
        sent = getattr(node, "workeroutput", {}).get(self._name)
        if sent is not None:
            self._kept.update(pickle.loads(sent))
