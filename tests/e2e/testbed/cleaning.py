"""Taking the testbed away, however it was left.

Belongs here: the order in which a whole or half-made one is removed. Not here: making it.

Nothing is remembered from the making: namespaces, groups and folders have fixed names, and what
runs is found by its namespace. So this is right after any interruption, at any point, and when
there is nothing to remove.
"""

import shutil
from concurrent.futures import ThreadPoolExecutor

from tests.e2e.testbed import cgroups, network
from tests.e2e.testbed.layout import CONTROL_PLANE_NAMESPACE, NODES, STATE
from tests.e2e.testbed.processes import kill_all

__all__ = ["clean"]


def clean() -> None:
    """Remove processes, namespaces, control groups and files; mounts go with the nodes."""
    with ThreadPoolExecutor() as pool:
        names = [CONTROL_PLANE_NAMESPACE, *(node.namespace for node in NODES)]
        list(pool.map(kill_all, names))
    network.remove()
    cgroups.remove_all()
    if STATE.exists():
        shutil.rmtree(STATE)
