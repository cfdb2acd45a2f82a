"""The environment of an app's containers.

Belongs here: filling the records of `immutant.contract.environment`; the variables' names are
theirs. The API server expands `$(NAME)` from the variables before it. Not here: the containers.
"""

from pathlib import Path
from typing import Final

from immutant.contract import names
from immutant.contract.environment import Address, Environment, Grid, PodEnvironment
from immutant_operator.builders.metadata import Manifest
from immutant_operator.spec import App
from immutant_operator.spec.parse import timings

__all__ = ["app_variables", "member_variables", "runtime_variables"]

_POD: Final = {
    "IMMUTANT_POD_NAME": "metadata.name",
    "IMMUTANT_POD_UID": "metadata.uid",
    "IMMUTANT_POD_IP": "status.podIP",
    # The API server copies it from the node when the pod is bound to it: since Kubernetes 1.33, by
    # default since 1.35 (PodTopologyLabelsAdmission, KEP-4742). Where it is missing, this is empty.
    "IMMUTANT_ZONE": "metadata.labels['topology.kubernetes.io/zone']",
}


def app_variables(app: App, domain: str) -> list[Manifest]:
    """The environment of the container `app`; the user's variables come after ours."""
    own = [one.model_dump(by_alias=True, exclude_none=True) for one in app.spec.env]
    return [*_from_pod("IMMUTANT_POD_NAME"), *_listed(_environment(app, domain).variables()), *own]


def runtime_variables(app: App, domain: str) -> list[Manifest]:
    """The environment of the container `runtime`."""
    pod = PodEnvironment(
        namespace=app.namespace,
        app_uid=app.uid,
        pod_uid="$(IMMUTANT_POD_UID)",
        ops=Address(host="0.0.0.0", port=names.OPS_PORT),  # noqa: S104 - the pod's own address
        epoch=app.spec.singletons.epoch,
    )
    told = {**_environment(app, domain).variables(), **pod.variables()}
    told.pop("IMMUTANT_POD_UID")
    return [*_from_pod("IMMUTANT_POD_NAME", "IMMUTANT_POD_UID", "IMMUTANT_ZONE"), *_listed(told)]


def member_variables(app: App, domain: str) -> list[Manifest]:
    """The environment of the container `member`."""
    return [
        *_from_pod("IMMUTANT_POD_NAME", "IMMUTANT_POD_IP"),
        *_listed(
            {
                "IMMUTANT_GRID": names.grid_name(app.namespace, app.uid),
                "IMMUTANT_GRID_DNS": _members(app, domain),
                "IMMUTANT_MEMBER_ADDRESS": "$(IMMUTANT_POD_IP)",
                "IMMUTANT_MEMBER_PORT": str(names.MEMBER_PORT),
                "IMMUTANT_TOPOLOGY": f"127.0.0.1:{names.TOPOLOGY_PORT}",
                "IMMUTANT_MEMBER_METRICS": str(names.MEMBER_METRICS_PORT),
                "IMMUTANT_OWNERS": str(app.spec.cache.owners),
                "IMMUTANT_HEAP": f"{app.spec.cache.memory >> 20}m",
            }
        ),
    ]


def _environment(app: App, domain: str) -> Environment:
    here = "127.0.0.1"
    return Environment(
        app=app.name,
        replica="$(IMMUTANT_POD_NAME)",
        state=Grid(
            cluster=names.grid_name(app.namespace, app.uid),
            members=(
                Address(host=here, port=names.MEMBER_PORT),
                Address(host=_members(app, domain), port=names.MEMBER_PORT),
            ),
            topology=Address(host=here, port=names.TOPOLOGY_PORT),
        ),
        coordinator=Address(host=here, port=names.COORDINATOR_PORT),
        listen=Address(host="0.0.0.0", port=names.APP_PORT),  # noqa: S104 - the pod's own address
        app_lock=Path(names.APP_LOCK),
        grace=app.spec.app_grace,
        # An older definition may have let a grace pass that is too short for it.
        shutdown_delay=min(app.spec.web.shutdown_delay, app.spec.app_grace - 1),
        namespace=app.namespace,
        timings=timings(app),
        console=Path(names.CONSOLE),
        repl=app.spec.repl,
    )


def _members(app: App, domain: str) -> str:
    return f"{names.members_service(app.name)}.{app.namespace}.svc.{domain}"


def _from_pod(*wanted: str) -> list[Manifest]:
    return [{"name": one, "valueFrom": {"fieldRef": {"fieldPath": _POD[one]}}} for one in wanted]


def _listed(variables: dict[str, str]) -> list[Manifest]:
    return [{"name": name, "value": value} for name, value in variables.items() if value]
