"""Apps for the tests of the operator."""

from typing import Any

from immutant_operator.builders import Cluster, Manifest, Payload, Source, everything, snapshot_name
from immutant_operator.images import Images
from immutant_operator.keeping import Keeper
from immutant_operator.spec import App, parse

CLUSTER = Cluster(Images("runtime:1", "member:1", "router:1"))
SOURCE = Source({"app.py": "one"}, {})


def body(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "demo", "namespace": "apps", "uid": "uid-1", "generation": 3}
    return {"metadata": metadata, "spec": spec}


def app(**spec: Any) -> App:
    return parse(body(**spec))


def built(
    source: Source | None = None,
    inputs: str | None = None,
    *,
    cluster: Cluster = CLUSTER,
    **spec: Any,
) -> list[Manifest]:
    """All objects of an app with this spec."""
    if source is not None:
        spec = {"source": {"configMap": {"name": "demo-source"}}, **spec}
    parsed = app(**spec)
    copy = snapshot_name(parsed, source) if source is not None else None
    fresh = Keeper(parsed, body(**spec), cluster).fresh(copy, inputs)
    return everything(parsed, Payload(parsed.spec.replicas, fresh, source), cluster)


def one(objects: list[Manifest], kind: str, name: str = "demo") -> Manifest:
    found = [body for body in objects if (body["kind"], body["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, f"{len(found)} of {kind} {name}"
    return found[0]


def pod(objects: list[Manifest]) -> Manifest:
    spec: Manifest = one(objects, "StatefulSet")["spec"]["template"]["spec"]
    return spec


def containers(objects: list[Manifest]) -> dict[str, Manifest]:
    spec = pod(objects)
    return {one["name"]: one for one in [*spec["initContainers"], *spec["containers"]]}


def environment(container: Manifest) -> dict[str, str]:
    """The variables as the kubelet would set them in the pod demo-0."""
    fields = {
        "metadata.name": "demo-0",
        "metadata.uid": "pod-1",
        "metadata.labels['topology.kubernetes.io/zone']": "near",
        "status.podIP": "10.0.0.1",
    }
    known: dict[str, str] = {}
    for variable in container["env"]:
        value = variable.get("value")
        if value is None:
            value = fields[variable["valueFrom"]["fieldRef"]["fieldPath"]]
        for name, text in known.items():
            value = value.replace(f"$({name})", text)
        known[variable["name"]] = value
    return known
