"""The backend of a cluster: caches, queues and topics in a Hazelcast grid."""

import warnings

with warnings.catch_warnings():
    # The client's threaded variant, which comes along and is not used, needs asyncore on 3.11.
    warnings.filterwarnings("ignore", "The asyncore module", DeprecationWarning)
    from immutant.grid.backend import GridBackend

__all__ = ["GridBackend"]
