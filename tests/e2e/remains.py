"""What is kept of a failure: an application's objects, events, Leases and logs, in build/e2e.

Belongs here: gathering it before the namespace goes. Not here: when (`conftest`).
"""

import re
import shutil
from pathlib import Path

from tests.e2e.cluster import Cluster, Pods

__all__ = ["keep"]

_FOLDER = Path(__file__).parents[2] / "build" / "e2e"
_OBJECTS = ("immutantapps", "pods", "leases", "statefulsets", "nodes")
_OPERATOR = ("-n", "immutant-system", "-l", "app.kubernetes.io/name=immutant-operator")


def keep(test: str, cluster: Cluster, pods: Pods) -> Path:
    """Write down what there is of an application; the folder.

    Args:
        test: The test's name.
        cluster: The cluster.
        pods: The application's pods.
    """
    folder = _FOLDER / re.sub(r"\W+", "-", test)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    where = ("-n", pods.namespace)

    def write(name: str, *command: str) -> None:
        (folder / name).write_text(cluster.kubectl(*command, check=False))

    for kind in _OBJECTS:
        write(f"{kind}.yaml", "get", kind, *where, "-o", "yaml")
    write("events", "get", "events", *where, "-o", "wide")
    write("operator.log", "logs", *_OPERATOR, "--timestamps", "--tail=-1")
    for pod in pods.all():
        for container in ("app", "runtime", "member"):
            of = ("logs", pod, *where, "-c", container, "--timestamps")
            write(f"{pod}.{container}.log", *of)
            write(f"{pod}.{container}.previous.log", *of, "--previous")
    said = (f"{line.at:.3f} {line.replica} {line.text}\n" for line in pods.log.lines)
    (folder / "followed.log").write_text("".join(said))
    return folder
