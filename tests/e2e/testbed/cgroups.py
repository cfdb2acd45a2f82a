"""The control groups of the nodes' pods, on machines with version 1 and with version 2.

Belongs here: making and removing each node's root group. Not here: the groups below, which kubelet
and runc make; they are only removed here, as a reboot would.
"""

import errno
from pathlib import Path

from tests.e2e.testbed.errors import wait_until
from tests.e2e.testbed.layout import NODES, Node

__all__ = ["make", "remove", "remove_all"]

_MOUNT = Path("/sys/fs/cgroup")
_CPUSET = ("cpuset.cpus", "cpuset.mems")
_TENFOLD = {"cpu.shares": "10240", "cpu.weight": "1000"}
"""Of the kernel's default, by version. With the default all pods of all nodes together would get no
more of the processors than any one terminal of this machine that is at work, as sched(7) has it."""


def make(node: Node) -> None:
    """Make the node's root group in every hierarchy."""
    for hierarchy in _hierarchies():
        group = hierarchy
        for part in Path(node.cgroup).parts:
            _delegate(group)
            group /= part
            group.mkdir(exist_ok=True)
            _allow_cpus(group)
            _weigh(group)


def remove(node: Node) -> None:
    """Remove the node's groups; its processes have ended."""
    for hierarchy in _hierarchies():
        _remove_tree(hierarchy / node.cgroup)


def remove_all() -> None:
    """Remove the groups of all nodes, and the testbed's own."""
    for node in NODES:
        remove(node)
    for hierarchy in _hierarchies():
        _remove_tree(hierarchy / Path(NODES[0].cgroup).parent)


def _hierarchies() -> list[Path]:
    """Version 2 has one, at the mount itself; version 1 a folder for each controller."""
    if (_MOUNT / "cgroup.controllers").exists():
        return [_MOUNT]
    return [entry for entry in _MOUNT.iterdir() if entry.is_dir() and not entry.is_symlink()]


def _delegate(group: Path) -> None:
    """Version 2: a group's children have the controllers that it names for them."""
    controllers = group / "cgroup.controllers"
    if controllers.exists():
        names = controllers.read_text().split()
        (group / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in names))


def _allow_cpus(group: Path) -> None:
    """Version 1: a cpuset takes no process until its processors and memory are set."""
    for name in _CPUSET:
        file = group / name
        if file.exists() and not (group / "cgroup.controllers").exists():
            file.write_text((group.parent / name).read_text())


def _weigh(group: Path) -> None:
    for name, weight in _TENFOLD.items():
        file = group / name
        if file.exists():
            file.write_text(weight)


def _remove_tree(group: Path) -> None:
    if group.is_dir():
        for child in group.iterdir():
            if child.is_dir():
                _remove_tree(child)
        # The kernel lets go of a group a moment after the last of its processes has been reaped.
        wait_until(
            f"the removal of {group}", lambda: _removed(group), 10.0, f"{group}/cgroup.procs"
        )


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True
