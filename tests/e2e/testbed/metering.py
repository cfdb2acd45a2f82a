"""metrics-server, which tells `kubectl top` and autoscalers what pods use, as data.

Belongs here: what the API server, metrics-server and openssl are told, and the objects that lead
from the one to the other. Pure. Not here: starting any of them (controlplane.py).

metrics-server runs as a process beside the API server, which reaches it on loopback: the Service is
but a name for that.
"""

from pathlib import Path
from typing import Any

__all__ = ["API", "api_server", "front_proxy", "metrics_server", "objects"]

API = "v1beta1.metrics.k8s.io"
"""The APIService's name."""

_PROXY = "front-proxy"


def front_proxy(folder: Path) -> list[object]:
    """openssl's arguments: the certificate by which the API server tells on whose behalf it asks.

    It is signed by itself, and so its own authority.
    """
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", folder / f"{_PROXY}.key", "-out", folder / f"{_PROXY}.crt"]
    use = ["-addext", "extendedKeyUsage=clientAuth"]
    return ["req", "-x509", *key, *files, "-subj", f"/CN={_PROXY}", "-days", 3650, *use]


def api_server(folder: Path) -> list[str]:
    """What kube-apiserver is told beside, so that it passes requests on to other API servers."""
    certificate = folder / f"{_PROXY}.crt"
    return [
        f"--proxy-client-cert-file={certificate}",
        f"--proxy-client-key-file={folder / f'{_PROXY}.key'}",
        f"--requestheader-client-ca-file={certificate}",
        f"--requestheader-allowed-names={_PROXY}",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    ]


def metrics_server(kubeconfig: Path, folder: Path, port: int, resolution: int = 15) -> list[str]:
    """What metrics-server is told.

    Args:
        kubeconfig: As whom it asks the API server and the kubelets.
        folder: Where it keeps the certificate that it makes for itself.
        port: Where it listens, on loopback.
        resolution: Seconds between two looks at the kubelets; it takes no fewer than ten.
    """
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder}",
        # Kubelets sign for themselves here.
        "--kubelet-insecure-tls",
        "--kubelet-use-node-status-port",
        "--kubelet-preferred-address-types=InternalIP",
        f"--metric-resolution={resolution}s",
        # Below the resolution, which it insists on.
        "--kubelet-request-timeout=5s",
    ]


def objects(port: int) -> dict[str, Any]:
    """What registers it: a list of a Service and an APIService."""
    metadata = {"name": "metrics-server", "namespace": "kube-system"}
    ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"type": "ExternalName", "externalName": "localhost", "ports": ports},
    }
    registered = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": API},
        "spec": {
            "service": {**metadata, "port": port},
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "insecureSkipTLSVerify": True,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
    }
    return {"apiVersion": "v1", "kind": "List", "items": [service, registered]}
