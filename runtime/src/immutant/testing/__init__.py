"""For tests of applications: a cluster in one process, at memory speed, on a clock that you turn.

    async with testing.cluster(app, replicas=2) as cluster:
        await orders.send({"number": 1})
        await cluster.settled()
        await cluster.advance("20s")
        async with cluster.client() as client:
            assert (await client.get("/")).text == "…"

Belongs here: what users' tests may import. Not here: Immutant's own tests and their faults.
"""

from immutant.testing.clock import FakeClock
from immutant.testing.cluster import Cluster, cluster

__all__ = ["Cluster", "FakeClock", "cluster"]
