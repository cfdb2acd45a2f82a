"""What an election says, entered in the ledger.

Belongs here: which of its words count as what. Not here: the numbers (`ledger`).
"""

import logging

from immutant.contract.records import kind_and_name
from immutant.coordinator.ledger import Ledger
from immutant.election import Election, Move, Tell
from immutant.link import Granted, Revoked, Stopping, TickDue

__all__ = ["enter_move", "enter_word"]

_log = logging.getLogger("immutant.coordinator")


def enter_word(ledger: Ledger, election: Election, tell: Tell, now: float) -> None:
    """Enter what the application is told of a singleton."""
    singleton = tell.singleton
    match tell.event:
        case Granted():
            ledger.grant(singleton, election.predecessor(singleton), now)
        case Stopping():
            ledger.expect_end(singleton, "handed_over")
        case Revoked(reason):
            ledger.revoke(singleton, reason)
        case TickDue(_, due, attempt):
            _, job = kind_and_name(singleton)
            ledger.dispatch(job, due, attempt, election.wall(now))


def enter_move(ledger: Ledger, move: Move) -> None:
    """Enter that a singleton is handed over, and say so."""
    ledger.moves[move.singleton, move.reason] += 1
    level = logging.WARNING if move.reason == "failures" else logging.INFO
    to = move.to or "whoever comes first"
    _log.log(level, "%s is handed over to %s (%s)", move.singleton, to, move.reason)
