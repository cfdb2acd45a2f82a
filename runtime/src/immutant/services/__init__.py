"""Services: caches, queues, topics, listeners and sessions, written once above the store protocols.

The law of this package: it knows `immutant.stores` and never a backend, it knows
`immutant.context` and never how a tenure came to be.
"""
