"""Pods on nodes that have died are deleted without waiting for their kubelets.

Belongs here: asking for the nodes, only where a pod is suspected, and deleting. Not here: which
pods (`lost`).
"""

from immutant_operator.api import Api, ApiError
from immutant_operator.grid import Grid
from immutant_operator.lost import Losses, Reach, losses, suspects
from immutant_operator.moves import News
from immutant_operator.objects import Json
from immutant_operator.observed import Fleet
from immutant_operator.reporting import tell
from immutant_operator.spec import App

__all__ = ["replace_lost"]


async def replace_lost(api: Api, app: App, body: Json, fleet: Fleet, grid: Grid) -> Losses:
    """Delete the pods that nobody will see end, so that they are made anew elsewhere."""
    if not suspects(fleet, grid):
        return Losses()
    found = losses(fleet, grid, await _reach(api), replaces=app.spec.nodes.replace_dead)
    for pod in found.replaced:
        metadata = {"name": pod.name, "namespace": app.namespace, "uid": pod.uid}
        lost = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
        await api.delete(lost, at_once=True)
        said = f"{pod.name} is made anew: {pod.node} cannot be reached, and its Lease has expired"
        await tell(api, body, News("Warning", "PodReplaced", said))
    return found


async def _reach(api: Api) -> Reach | None:
    try:
        return Reach.read(await api.list("v1", "Node", None, {}))
    except ApiError as error:
        if error.status != 403:
            raise
        return None
