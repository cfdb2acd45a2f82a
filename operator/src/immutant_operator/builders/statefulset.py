"""The StatefulSet of an app's pods, and the template that these are made from.

Belongs here: the pod as a whole, its volumes and its placement. Not here: its containers; how many
of them there are and when they are replaced (`immutant_operator.rollout`).
"""

from typing import Final

from immutant.contract import names
from immutant_operator.builders import fetching, security
from immutant_operator.builders.cluster import Cluster
from immutant_operator.builders.containers import (
    SHARED,
    TOKEN,
    app_container,
    member,
    runtime,
)
from immutant_operator.builders.metadata import Manifest, manifest, pod_labels
from immutant_operator.builders.monitors import annotations
from immutant_operator.images import Images
from immutant_operator.spec import App

__all__ = ["INPUTS", "PIN", "pod_template", "statefulset"]

INPUTS: Final = f"{names.ANNOTATION_PREFIX}inputs"
"""On a pod: the digest of the ConfigMaps and Secrets in its environment, so that they roll it."""

PIN: Final = f"{names.ANNOTATION_PREFIX}source"
"""On a pod that fetches its source: what that is fixed to, a digest or a commit."""

_TOKEN_LIFE: Final = 3607
"""Seconds; what Kubernetes itself asks for."""


def statefulset(app: App, replicas: int, template: Manifest) -> Manifest:
    """The StatefulSet.

    Args:
        app: Whose.
        replicas: How many pods there are to be now; the rollout may want one more than the spec.
        template: What they are made from.
    """
    return manifest(
        app,
        "StatefulSet",
        app.name,
        "apps/v1",
        spec={
            "replicas": replicas,
            "serviceName": names.members_service(app.name),
            "podManagementPolicy": "Parallel",
            "updateStrategy": {"type": "OnDelete"},
            "revisionHistoryLimit": 5,
            "selector": {"matchLabels": app.selector("app")},
            "template": template,
        },
    )


def pod_template(app: App, cluster: Cluster, source: str | None, inputs: str | None) -> Manifest:
    """What the pods are made from.

    Args:
        app: Whose.
        cluster: What they run, and where.
        source: What the source is fixed to, if there is one: the ConfigMap that is mounted, the
            digest of an archive, or a commit.
        inputs: The digest of what the environment refers to, if anything.
    """
    return {
        "metadata": {
            "labels": pod_labels(app, "app"),
            **_annotations(app, cluster, source, inputs),
        },
        "spec": _pod(app, cluster.images, cluster.domain, source),
    }


def _annotations(app: App, cluster: Cluster, source: str | None, inputs: str | None) -> Manifest:
    stated = {**annotations(cluster, names.OPS_PORT), **app.spec.pod_annotations}
    if source is not None and app.spec.is_fetched:
        stated[PIN] = source
    if inputs is not None:
        stated[INPUTS] = inputs
    return {"annotations": stated} if stated else {}


def _pod(app: App, images: Images, domain: str, source: str | None) -> Manifest:
    return {
        "serviceAccountName": names.service_account(app.name),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": security.POD,
        "terminationGracePeriodSeconds": app.spec.termination_grace_period_seconds,
        "initContainers": [
            *(fetching.steps(app, images, source) if source and app.spec.is_fetched else ()),
            member(app, images, domain),
            runtime(app, images, domain),
        ],
        "containers": [app_container(app, images, domain, source=source is not None)],
        "volumes": _volumes(app, source),
        "topologySpreadConstraints": [
            _spread(app, "kubernetes.io/hostname"),
            _spread(app, "topology.kubernetes.io/zone"),
        ],
        **_placement(app),
    }


def _volumes(app: App, source: str | None) -> list[Manifest]:
    volumes: list[Manifest] = [
        {"name": SHARED, "emptyDir": {}},
        {"name": TOKEN, "projected": {"sources": _account()}},
        *(security.scratch(container)[0] for container in names.CONTAINERS),
    ]
    if source is not None and app.spec.is_fetched:
        volumes += fetching.volumes(app)
    elif source is not None:
        volumes.append({"name": fetching.SOURCE, "configMap": {"name": source}})
    return volumes


def _account() -> list[Manifest]:
    namespace = {"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}
    authority = {"key": "ca.crt", "path": "ca.crt"}
    return [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": _TOKEN_LIFE}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [authority]}},
        {"downwardAPI": {"items": [namespace]}},
    ]


def _spread(app: App, key: str) -> Manifest:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": app.selector("app")},
    }


def _placement(app: App) -> Manifest:
    spec = app.spec
    stated = {
        "nodeSelector": dict(spec.node_selector),
        "affinity": spec.affinity,
        "tolerations": list(spec.tolerations),
        "imagePullSecrets": [{"name": one.name} for one in spec.image_pull_secrets],
    }
    return {key: value for key, value in stated.items() if value}
