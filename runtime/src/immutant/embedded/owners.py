"""The table of owners: who holds deliveries and waits for messages.

Belongs here: their rows, and burying one that is dead. Not here: how its death is known (`peers`)
and what becomes of its messages (`handoff`).
"""

from immutant.embedded import handoff
from immutant.embedded.identity import Owner
from immutant.embedded.transaction import EVERYONE, Transaction

__all__ = ["addressees", "bury", "living", "register"]


def register(transaction: Transaction, owner: Owner) -> None:
    """Make the owner known to all."""
    transaction.run("INSERT INTO owners VALUES (?, ?)", owner.id, owner.process)
    transaction.ring("peers")


def living(transaction: Transaction) -> list[str]:
    """All owners that have not been buried."""
    return [owner for (owner,) in transaction.run("SELECT id FROM owners")]


def bury(transaction: Transaction, owner: str) -> None:
    """Forget the owner: its tickets vanish, its deliveries are ready again."""
    if transaction.change("DELETE FROM owners WHERE id = ?", owner):
        handoff.release_owner(transaction, owner)


def addressees(transaction: Transaction) -> dict[str, set[str]]:
    """The transaction's wake-ups by the process that they are for."""
    topics: dict[str, set[str]] = {}
    for process, topic in transaction.rings:
        topics.setdefault(process, set()).add(topic)
    if EVERYONE in topics:
        common = topics.pop(EVERYONE)
        for (process,) in transaction.run("SELECT DISTINCT process FROM owners"):
            topics.setdefault(process, set()).update(common)
    return topics
