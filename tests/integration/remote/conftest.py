"""A real API server, a user who may deploy and no more, and the user's repository."""

from pathlib import Path

import pytest
from tests.documents import ROOT
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.conftest import api, namespace, operated, server
from tests.integration.operator.harness import kubectl
from tests.integration.operator.processes import account
from tests.integration.remote.repository import Repository

__all__ = ["api", "namespace", "operated", "server"]


def deployers_role() -> str:
    """The Role that the documents print."""
    text = (ROOT / "docs" / "cluster.md").read_text()
    (block,) = [one for one in text.split("```") if "kind: Role\nmetadata: {name: deployer}" in one]
    return block.removeprefix("yaml")


@pytest.fixture
def deployer(server: ApiServer, namespace: str) -> Path:
    """A kubeconfig of an account that has the documents' Role in its namespace alone."""
    kubectl(server, "-n", namespace, "apply", "-f", "-", stdin=deployers_role())
    kubectl(server, "-n", namespace, "create", "serviceaccount", "ada")
    given = ("--role=deployer", f"--serviceaccount={namespace}:ada")
    kubectl(server, "-n", namespace, "create", "rolebinding", "ada", *given)
    return account(server, namespace, "ada")


@pytest.fixture
def repository(tmp_path: Path, deployer: Path, namespace: str) -> Repository:
    return Repository(tmp_path, deployer, namespace)


@pytest.fixture
def admin(server: ApiServer) -> Path:
    """A kubeconfig that may do everything."""
    return server.kubeconfig()
