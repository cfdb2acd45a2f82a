"""The election: who may run what, decided without any I/O.

The law of this package: nothing here reads a clock, opens a socket or awaits. An `Election` is told
what happened and when, and answers with what is to be done; whoever drives it does the waiting.
That is what lets thousands of fault schedules be run through it in seconds. The protocol, and the
execution that each rule answers, is in docs/coordination.md; rule numbers in comments are its.
"""

from immutant.contract.records import member_lease, singleton_lease
from immutant.contract.timings import Timings
from immutant.election.core import Election
from immutant.election.effects import Effect, Get, Move, Put, Tell
from immutant.election.pace import Pace

__all__ = [
    "Effect",
    "Election",
    "Get",
    "Move",
    "Pace",
    "Put",
    "Tell",
    "Timings",
    "member_lease",
    "singleton_lease",
]
