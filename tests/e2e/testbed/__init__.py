"""A Kubernetes of three nodes on one Linux machine, made from Go modules and Debian packages.

Belongs here: everything of the testbed, and nothing of Immutant: it takes images and shows a
cluster. Not here: tests, and images.

Its parts, downwards: cluster (the verbs) → cleaning, controlplane, nodes, network → processes,
programs → layout, recipes, configs (data alone). The folder policy is a process of its own.
"""

from tests.e2e.testbed.cluster import Testbed
from tests.e2e.testbed.errors import TestbedError
from tests.e2e.testbed.given import given_kubeconfig, why_no_testbed

__all__ = ["Testbed", "TestbedError", "given_kubeconfig", "why_no_testbed"]
