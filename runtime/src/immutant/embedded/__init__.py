"""The backend that needs nothing but Python: one SQLite file shared by the replicas' processes.

Belongs here: caches, queues, topics and leases as the protocols of `immutant.stores` and
`immutant.leases` promise them. Not here: anything that knows JSON values, handlers or elections.

The layers, each calling the next: `backend` puts together a `hub` (what the replicas of one process
share) and the stores; stores run work on an `engine`; an engine runs it in transactions of a
`connection` and rings the `bell` after the commit, here and by `post` in other processes.
"""

from immutant.embedded.backend import EmbeddedBackend

__all__ = ["EmbeddedBackend"]
