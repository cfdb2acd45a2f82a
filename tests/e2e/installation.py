"""A cluster with the chart installed, ready for an application.

Belongs here: bringing up the testbed with its images, or taking the given cluster; `helm install`;
once for all processes of a run. Not here: what tests do with it.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.e2e.cluster import Cluster
from tests.e2e.figures import Figures
from tests.e2e.images import build_all, sizes
from tests.e2e.testbed import Testbed
from tests.sharing import shared

_CHART = Path(__file__).parents[2] / "charts" / "immutant"
_RELEASE = ("immutant", "--namespace", "immutant-system")


@contextmanager
def testbed_cluster(run: Path, figures: Figures) -> Iterator[Cluster]:
    """The testbed, raised anew with the project's images, and removed at the end.

    With IMMUTANT_TESTBED=keep one that is up is taken as it is, and stays. While the context is
    open, this process is inside the testbed's network.

    Args:
        run: A folder of this run, for all its processes.
        figures: Where to note what it took.
    """
    testbed = Testbed()
    keep = os.environ.get("IMMUTANT_TESTBED") == "keep"
    cluster = Cluster(testbed.ingress)

    def make() -> None:
        if not (keep and testbed.is_up()):
            _raise(testbed, figures)
        with _inside(testbed):
            _install(cluster)

    def remove() -> None:
        if not keep:
            testbed.down()

    with shared(run, make, remove), _inside(testbed):
        yield cluster


@contextmanager
def _inside(testbed: Testbed) -> Iterator[None]:
    testbed.enter()
    try:
        yield
    finally:
        testbed.leave()


def _raise(testbed: Testbed, figures: Figures) -> None:
    archives = build_all()
    for name, archive in archives.items():
        size = sizes(archive)
        figures.note(
            f"image immutant-{name}",
            f"{size.uncompressed / 2**20:.0f} MiB, {size.compressed / 2**20:.0f} MiB compressed",
        )
    began = time.monotonic()
    testbed.up(*archives.values())
    figures.note("three nodes up, with the images", f"{time.monotonic() - began:.0f} s")


@contextmanager
def given_cluster(run: Path) -> Iterator[Cluster]:
    """The cluster of KUBECONFIG; the chart is uninstalled at the end.

    IMMUTANT_INGRESS is the address of its ingress controller, IMMUTANT_HELM_SET what helm is to be
    told, by commas, such as images.registry=HOST,images.tag=TAG.
    """
    ingress = os.environ.get("IMMUTANT_INGRESS")
    if not ingress:
        pytest.fail(
            "KUBECONFIG names a cluster, and IMMUTANT_INGRESS does not say where its ingress "
            "controller is; set it to that address, or unset KUBECONFIG to use the testbed"
        )
    cluster = Cluster(ingress)
    given = os.environ.get("IMMUTANT_HELM_SET", "")
    with shared(
        run,
        lambda: _install(cluster, ("--set", given) if given else ()),
        lambda: cluster.run("helm", "uninstall", *_RELEASE, "--wait"),
    ):
        yield cluster


def _install(cluster: Cluster, options: Sequence[str] = ()) -> None:
    cluster.run(
        *("helm", "upgrade", "--install", *_RELEASE, "--create-namespace", str(_CHART), "--wait"),
        *options,
    )
