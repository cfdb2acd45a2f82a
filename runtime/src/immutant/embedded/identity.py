"""Names of processes, owners and receives; each carries the one before it.

Belongs here: how the names are made and taken apart. Not here: their rows (`owners`).

PROCESS.NONCE.REPLICA is an owner, OWNER#NUMBER the mark of one of its receives. All are safe as
file names and used once.
"""

import itertools
import os
import re
import secrets
from urllib.parse import quote

from immutant.errors import StoreError

__all__ = ["Owner", "is_process", "lock_of", "mark_range", "new_process", "process_of"]

_PROCESS = re.compile(r"\d+-[0-9a-f]+")


class Owner:
    """One replica's identity in the store, while it is open."""

    def __init__(self, process: str, replica: str) -> None:
        self.process = process
        self.id = f"{process}.{secrets.token_hex(2)}.{quote(replica, safe='')}"
        self.lock = lock_of(self.id)
        self._numbers = itertools.count(1)
        self._closed = False

    def mark(self) -> str:
        """A name for one receive."""
        return f"{self.id}#{next(self._numbers)}"

    @property
    def is_closed(self) -> bool:
        """Whether it has been closed."""
        return self._closed

    def close(self) -> None:
        """Begin nothing more."""
        self._closed = True

    def check_open(self) -> None:
        """Raise StoreError once it is closed."""
        if self._closed:
            raise StoreError("this replica has closed its connection to the store")


def new_process() -> str:
    """A name for this process's connection to the store."""
    return f"{os.getpid()}-{secrets.token_hex(4)}"


def is_process(name: str) -> bool:
    """Whether this is how the name of a process looks."""
    return _PROCESS.fullmatch(name) is not None


def lock_of(owner: str) -> str:
    """The name of the lock that the owner holds for as long as it lives."""
    return f"owner-{owner}"


def process_of(name: str) -> str:
    """The process that an owner or a mark belongs to."""
    return name.partition(".")[0]


def mark_range(owner: str) -> tuple[str, str]:
    """The texts between which all marks of the owner sort, and no other ("$" follows "#")."""
    return f"{owner}#", f"{owner}$"
