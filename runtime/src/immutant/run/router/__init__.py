"""The laptop's web router: one port, several replicas, as HAProxy does it in a cluster.

Belongs here: health checks, round robin with cookie affinity, redispatch, relaying of HTTP and of
upgraded connections. Not here: processes, and any HTTP parsing, which is h11's.
"""
