"""The coordinator of one replica: drives an election, serves the application beside it.

The same code is a process under `immutant run`, a sidecar in a pod and an object in a test; what
differs is the lease store and how the application reaches it.
"""
