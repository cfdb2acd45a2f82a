"""Images in a node's containerd.

Belongs here: asking and telling one containerd. Not here: making images, and which node is meant.
"""

from pathlib import Path

from tests.e2e.testbed.processes import command

__all__ = ["has", "load", "version"]


def load(socket: Path, archive: Path) -> None:
    """Put the images of a docker-archive on a node."""
    _ctr(socket, "images", "import", archive)


def has(socket: Path, name: str) -> bool:
    """Whether a node has the image of this name."""
    return name in _ctr(socket, "images", "list", "-q").split()


def version(socket: Path) -> str:
    """containerd's version; fails while it does not serve yet."""
    return _ctr(socket, "version")


def _ctr(socket: Path, *arguments: object) -> str:
    return command("ctr", "--address", socket, "--namespace", "k8s.io", *arguments)
