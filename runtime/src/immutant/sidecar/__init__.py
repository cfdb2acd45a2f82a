"""The sidecar of a pod: the coordinator in a cluster, its health and its metrics."""
