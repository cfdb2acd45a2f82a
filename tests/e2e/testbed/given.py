"""Which cluster tests use: the testbed, or the one that KUBECONFIG names.

Belongs here: that choice, and the sentence for what is then not possible. Not here: the clusters.
"""

import os
from pathlib import Path

from tests.e2e.testbed import machine
from tests.e2e.testbed.controlplane import KUBECONFIG

__all__ = ["given_kubeconfig", "why_no_testbed"]


def given_kubeconfig() -> Path | None:
    """The kubeconfig of a cluster that replaces the testbed; None without one.

    The testbed's own, which `Testbed.enter` sets, is not one.
    """
    given = os.environ.get("KUBECONFIG")
    return Path(given) if given and Path(given) != KUBECONFIG else None


def why_no_testbed() -> str | None:
    """Why there are no faults of nodes to be had here, as one sentence; None if there are."""
    given = given_kubeconfig()
    if given is not None:
        return (
            f"nodes are cut off and crashed in the testbed only, and KUBECONFIG={given} "
            "replaces it; unset KUBECONFIG to run this"
        )
    return machine.why_not()
