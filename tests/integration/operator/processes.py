"""The operator as a process, with the rights that the chart gives it.

Belongs here: installing the chart's rights, starting and ending replicas of the operator.
"""

import asyncio
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Self

from tests.e2e.testbed import programs
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import kubectl

PATIENCE = 120.0
ROOT = Path(__file__).parents[3]
CHART = ROOT / "charts" / "immutant"


def rendered(namespace: str, *options: str) -> str:
    """What helm makes of the chart, without the definition of ImmutantApp and its test."""
    ended = subprocess.run(
        [
            *(programs.program("helm"), "template", "immutant", CHART),
            *("--kube-version", "1.35", "--namespace", namespace, "--set", "crds.enabled=false"),
            "--skip-tests",
            *options,
        ],
        text=True,
        capture_output=True,
        check=True,
    )
    return ended.stdout


def installed(server: ApiServer, namespace: str, *options: str) -> Path:
    """Install the chart; a kubeconfig with its operator's rights, and no others.

    Its Deployment stays without pods, for want of a controller.
    """
    kubectl(server, "create", "namespace", namespace, check=False)
    kubectl(server, "apply", "-f", "-", stdin=rendered(namespace, *options))
    return account(server, namespace, "immutant-operator")


def account(server: ApiServer, namespace: str, name: str) -> Path:
    """A kubeconfig of a service account."""
    token = kubectl(server, "-n", namespace, "create", "token", name).strip()
    text = server.kubeconfig().read_text().replace('"admin-token"', f'"{token}"')
    path = server.folder / f"{namespace}-{name}.kubeconfig"
    path.write_text(text)
    return path


class Replica:
    """One replica of the operator."""

    def __init__(
        self,
        kubeconfig: Path,
        namespace: str,
        identity: str,
        log: Path,
        watched: str = "",
        **environment: str,
    ) -> None:
        self.identity = identity
        self.log = log
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "IMMUTANT_OPERATOR_IDENTITY": identity,
            "IMMUTANT_OPERATOR_NAMESPACE": namespace,
            "IMMUTANT_OPERATOR_PORT": "0",
            "IMMUTANT_RUNTIME_IMAGE": "runtime:1",
            "IMMUTANT_MEMBER_IMAGE": "member:1",
            "IMMUTANT_ROUTER_IMAGE": "router:1",
            "IMMUTANT_WATCH_NAMESPACE": watched,
            **environment,
        }

    def __enter__(self) -> Self:
        self._file: IO[bytes] = self.log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error::RuntimeWarning", "-m", "immutant_operator"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=self._file,
        )
        return self

    def __exit__(self, *details: object) -> None:
        self.process.terminate()  # so that the Lease is given back
        self.process.wait(20)
        self._file.close()

    @property
    def said(self) -> str:
        return self.log.read_text()

    def ops(self, path: str) -> str:
        """What the replica answers on its port of health and metrics."""
        found = re.search(r"health and metrics on port (\d+)", self.said)
        assert found, self.said
        with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}{path}", timeout=5) as answer:
            return str(answer.read().decode())


async def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for what a replica is to do or say."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, what
        await asyncio.sleep(0.1)
