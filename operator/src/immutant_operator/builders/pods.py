"""What the pods of an app and of its router are made from.

Belongs here: these parts apart from the objects that carry them, since they may stay as they are
while everything around them changes (`immutant_operator.keeping`). Not here: which are used.
"""

import json
from dataclasses import dataclass

from immutant_operator.builders.cluster import Cluster
from immutant_operator.builders.metadata import Manifest
from immutant_operator.builders.router import RouterPods, router_pods
from immutant_operator.builders.statefulset import pod_template
from immutant_operator.spec import App

__all__ = ["Pods", "pods"]


@dataclass(frozen=True, slots=True)
class Pods:
    """What makes pods anew when it changes.

    Attributes:
        app: The template of the app's pods.
        router: What the router's are made from; None: there is no router.
    """

    app: Manifest
    router: RouterPods | None


def pods(app: App, cluster: Cluster, source: str | None, inputs: str | None) -> Pods:
    """What this operator makes of an app.

    Args:
        app: Whose.
        cluster: Where they run.
        source: What the source is fixed to, if there is one.
        inputs: The digest of what the environment refers to, if anything.
    """
    # As the API server will give it back: without tuples.
    template = json.loads(json.dumps(pod_template(app, cluster, source, inputs)))
    return Pods(template, router_pods(app, cluster))
