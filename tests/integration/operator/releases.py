"""The chart as helm installs, upgrades and uninstalls it on a real API server.

Belongs here: helm, and an API server without anything of the project's. The operator's Deployment
stays without pods, for want of a controller; the operator itself is a process of the test.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.testbed import programs
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import controllers, kubectl
from tests.integration.operator.processes import CHART

__all__ = ["DEFINITION", "SYSTEM", "Release", "bare", "cleared"]

SYSTEM = "immutant-system"
DEFINITION = "immutantapps.immutant.org"


@contextmanager
def bare(folder: Path, *options: str) -> Iterator[ApiServer]:
    """An API server where nothing is installed, with the controllers that apps need."""
    started = ApiServer(folder, *options)
    try:
        started.start()
        with controllers(started):
            yield started
    finally:
        started.close()


def cleared(server: ApiServer) -> None:
    """Uninstall all that helm has installed, and remove the definition, with all apps."""
    told = Release(server).helm("list", "--all-namespaces", "--output", "json")
    for one in json.loads(told):
        Release(server, one["namespace"], one["name"]).uninstall()
    kubectl(server, "delete", "crd", DEFINITION, "--ignore-not-found", "--wait")


class Release:
    """One release of the chart."""

    def __init__(self, server: ApiServer, namespace: str = SYSTEM, name: str = "immutant") -> None:
        self._access = ("--kubeconfig", str(server.kubeconfig()), "--namespace", namespace)
        self._name = name

    def install(self, *options: str, chart: Path = CHART) -> str:
        return self.helm("install", self._name, str(chart), "--create-namespace", *options)

    def upgrade(self, *options: str) -> str:
        return self.helm("upgrade", self._name, str(CHART), *options)

    def uninstall(self) -> str:
        return self.helm("uninstall", self._name)

    def helm(self, *arguments: str) -> str:
        """What helm says, errors included."""
        ended = subprocess.run(
            [programs.program("helm"), *arguments, *self._access],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=60,
        )
        assert ended.returncode == 0, ended.stdout
        return ended.stdout
