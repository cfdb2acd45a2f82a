"""Reasons in an app's status that both the operator and the command line judge by.

Belongs here: what has to be the same in both. Not here: the other reasons, and what they mean to
users (docs/cluster.md).
"""

from typing import Final

__all__ = ["PASSING"]

PASSING: Final = frozenset({"FormerAppEnding", "Unschedulable"})
"""Troubles that time mends as a rule, so that no rollout has failed by them: a former app of the
same name goes, nodes come."""
