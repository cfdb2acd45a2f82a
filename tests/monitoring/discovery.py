"""What Prometheus' own discovery of pods would find, for one that is built without it.

Debian's is (its package has no Kubernetes discovery): a file takes its place, which is written anew
all the time. Belongs here: the targets and the labels that `role: pod` gives, as Prometheus'
documents name them. Not here: the configuration, which is that of docs/monitoring.md but for this.

https://prometheus.io/docs/prometheus/latest/configuration/configuration/#pod
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["discovering"]

_PERIOD = 1.0
_PREFIX = "__meta_kubernetes_"


@contextmanager
def discovering(listed: Callable[[], list[Any]], file: Path) -> Iterator[None]:
    """Keep a file of targets in step with the pods, while the context is open.

    Args:
        listed: All pods of the cluster, as the API server has them; fails when that is away.
        file: What `file_sd_configs` names.
    """
    closed = threading.Event()

    def write() -> None:
        targets = [one for pod in listed() for one in _targets(pod)]
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(targets))
        fresh.replace(file)

    def follow() -> None:
        while not closed.wait(_PERIOD):
            try:
                write()
            except AssertionError:  # the API server is away: what was found stays, as there
                continue

    write()
    follower = threading.Thread(target=follow)
    follower.start()
    try:
        yield
    finally:
        closed.set()
        follower.join()


def _targets(pod: Any) -> Iterator[dict[str, Any]]:
    """One for each port of each container, those of native sidecars among them."""
    address = pod["status"].get("podIP")
    if not address:
        return
    for container in (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ())):
        for port in container.get("ports", ()):
            labels = {
                **_of_pod(pod),
                "pod_container_name": container["name"],
                "pod_container_port_name": port.get("name", ""),
                "pod_container_port_number": str(port["containerPort"]),
            }
            yield {
                "targets": [f"{address}:{port['containerPort']}"],
                "labels": {_PREFIX + name: value for name, value in labels.items()},
            }


def _of_pod(pod: Any) -> dict[str, str]:
    metadata = pod["metadata"]
    labels = (metadata.get("labels") or {}).items()
    return {
        "namespace": metadata["namespace"],
        "pod_name": metadata["name"],
        "pod_phase": pod["status"]["phase"],
        **{f"pod_label_{re.sub(r'[^a-zA-Z0-9_]', '_', name)}": value for name, value in labels},
    }
