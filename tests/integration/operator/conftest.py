"""A real API server with the CRD, and the StatefulSet's real controller; there are no kubelets."""

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import Operated, controllers, kubectl

from immutant_operator.api import Api, connected

ROOT = Path(__file__).parents[3]
_numbers = itertools.count()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    started = ApiServer(tmp_path_factory.mktemp("operator"))
    try:
        started.start()
        kubectl(started, "apply", "-f", str(ROOT / "crds" / "immutantapps.yaml"))
        kubectl(started, "wait", "--for=condition=Established", "crd/immutantapps.immutant.org")
        with controllers(started):
            yield started
    finally:
        started.close()


@pytest.fixture
def namespace(server: ApiServer) -> str:
    name = f"test-{next(_numbers)}"
    server.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    return name


@pytest.fixture
async def api(server: ApiServer) -> AsyncIterator[Api]:
    async with connected(str(server.kubeconfig())) as opened:
        yield opened


@pytest.fixture
def operated(api: Api, namespace: str) -> Operated:
    return Operated(api, namespace)
