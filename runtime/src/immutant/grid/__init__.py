"""The backend of a cluster: caches, queues and topics in a Hazelcast grid."""

from immutant.grid.backend import GridBackend

__all__ = ["GridBackend"]
