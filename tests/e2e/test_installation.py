"""The chart's own test, in pods of the cluster, and what it leaves behind."""

from tests.e2e.cluster import Cluster

SYSTEM = ("--namespace", "immutant-system")


def test_helm_test_finds_the_installation_sound_and_leaves_nothing(cluster: Cluster) -> None:
    said = cluster.run("helm", "test", "immutant", *SYSTEM, "--timeout", "2m")
    assert "Phase:          Succeeded" in said
    cluster.kubectl("wait", "--for=delete", "pod/immutant-operator-test", *SYSTEM, "--timeout=30s")
    kinds = "pods,serviceaccounts,roles,rolebindings"
    left = cluster.kubectl("get", kinds, *SYSTEM, "-o", "name")
    assert "immutant-operator-test" not in left
