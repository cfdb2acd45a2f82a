"""Network policies, enforced by the testbed itself: no policy agent can be had as a Go module.

Belongs here: what the API says of policies, pods and namespaces, and the packet filter rules of it.
Not here: anything else of the testbed; `agent` is a process of its own.

Downwards: agent (watches, applies) → rules (pure: the world in, a node's rules out) → model.
"""
