"""The API server beside real pods."""

from tests.chaos.conftest import socket_folder
from tests.integration.kube.conftest import apiserver, grid, namespace

__all__ = ["apiserver", "grid", "namespace", "socket_folder"]
