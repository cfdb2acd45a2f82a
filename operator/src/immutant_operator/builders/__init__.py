"""From an App to the objects that run it: pure functions, plain dicts out, no I/O.

One module for each kind of object. `everything` lists them all. Belongs here: what the objects
look like. Not here: whether they exist, how they are changed.
"""

from immutant_operator.builders.assembly import Cluster, Payload, everything
from immutant_operator.builders.metadata import Manifest
from immutant_operator.builders.snapshot import Source, snapshot, snapshot_name

__all__ = [
    "Cluster",
    "Manifest",
    "Payload",
    "Source",
    "everything",
    "snapshot",
    "snapshot_name",
]
