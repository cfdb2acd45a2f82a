"""The sidecar of a pod: the coordinator in a cluster, its health and its metrics.

It holds the pod's service-account token, and runs no user code.
"""
