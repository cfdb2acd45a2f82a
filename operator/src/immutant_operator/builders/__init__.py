"""From an App to the objects that run it: pure functions, plain dicts out, no I/O.

One module for each kind of object. `everything` lists them all. Belongs here: what the objects
look like. Not here: whether they exist, how they are changed.
"""

from immutant_operator.builders.assembly import Payload, everything
from immutant_operator.builders.blueprint import Basis, Blueprint, blueprint, newest
from immutant_operator.builders.cluster import Cluster, Monitoring
from immutant_operator.builders.metadata import Manifest
from immutant_operator.builders.pods import Pods, pods
from immutant_operator.builders.router import CONFIGURATION_FILE, RouterPods
from immutant_operator.builders.snapshot import Source, snapshot, snapshot_name
from immutant_operator.builders.statefulset import INPUTS, PIN

__all__ = [
    "CONFIGURATION_FILE",
    "INPUTS",
    "PIN",
    "Basis",
    "Blueprint",
    "Cluster",
    "Manifest",
    "Monitoring",
    "Payload",
    "Pods",
    "RouterPods",
    "Source",
    "blueprint",
    "everything",
    "newest",
    "pods",
    "snapshot",
    "snapshot_name",
]
