"""Which change makes pods anew, and which waits."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.operator.apps import CLUSTER, SOURCE, body, one

from immutant.contract import names
from immutant_operator.builders import (
    Blueprint,
    Cluster,
    Manifest,
    Payload,
    everything,
    newest,
    snapshot_name,
)
from immutant_operator.images import Images
from immutant_operator.keeping import Keeper
from immutant_operator.spec import parse

OLD = replace(CLUSTER, version="1")
NEW = Cluster(Images("runtime:2", "member:2", "router:2"), version="2")

There = dict[tuple[str, str], Manifest]


def keeper(cluster: Cluster, spec: Mapping[str, Any]) -> Keeper:
    written = body(**spec)
    return Keeper(parse(written), written, cluster)


def there_after(cluster: Cluster, *, by: Blueprint | None = None, **spec: Any) -> There:
    """The objects of an app as this operator has made them."""
    kept = keeper(cluster, spec)
    blueprint = by or kept.fresh(None, None)
    found = everything(kept.app, Payload(kept.app.spec.replicas, blueprint), cluster)
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def chosen(
    cluster: Cluster,
    there: There,
    *,
    source: str | None = None,
    inputs: str | None = None,
    serves: bool = True,
    **spec: Any,
) -> Blueprint:
    kept = keeper(cluster, spec)
    return kept.chosen(kept.fresh(source, inputs), there, serves=serves)


def images(blueprint: Blueprint) -> tuple[str, str]:
    """The images of the runtime and of the router."""
    router = blueprint.pods.router
    assert router is not None
    containers = blueprint.pods.app["spec"]["initContainers"]
    (runtime,) = [one["image"] for one in containers if one["name"] == "runtime"]
    return runtime, router.template["spec"]["containers"][0]["image"]


def test_nothing_is_written_anew_while_nothing_changes() -> None:
    there = there_after(OLD, replicas=2)
    assert chosen(OLD, there, replicas=2) == newest(keeper(OLD, {}).app, there.values())


def test_a_new_operator_leaves_pods_and_router_as_they_are() -> None:
    found = chosen(NEW, there_after(OLD))
    assert images(found) == ("runtime:1", "router:1")
    assert found.version == "1"


def test_scaling_makes_no_pod_anew_and_is_remembered_for_the_operators_to_come() -> None:
    found = chosen(NEW, there_after(OLD, replicas=2), replicas=3)
    assert images(found) == ("runtime:1", "router:1")
    assert (found.basis.spec["replicas"], found.number) == (3, 2)


def test_what_a_user_changes_brings_the_new_pods_and_the_new_router() -> None:
    found = chosen(NEW, there_after(OLD), env=[{"name": "COLOUR", "value": "blue"}])
    assert images(found) == ("runtime:2", "router:2")
    assert found.version == "2"


def test_what_concerns_the_router_alone_brings_a_new_router_alone() -> None:
    found = chosen(NEW, there_after(OLD), web={"host": "demo.example.org"})
    assert images(found) == ("runtime:1", "router:2")
    assert found.version == "1"
    assert chosen(NEW, there_after(OLD), web={"router": {"enabled": False}}).pods.router is None


def test_another_source_and_another_content_of_the_environment_are_changes_of_the_users() -> None:
    there = there_after(OLD)
    assert images(chosen(NEW, there, inputs="another"))[0] == "runtime:2"
    assert images(chosen(NEW, there, source="demo-source-another"))[0] == "runtime:2"


def test_fields_that_a_new_definition_fills_in_are_no_change() -> None:
    found = chosen(NEW, there_after(OLD), nodes={"replaceDead": True}, replicas=1)
    assert images(found)[0] == "runtime:1"


def test_what_could_not_be_read_any_more_and_was_mended_is_a_change() -> None:
    there = there_after(OLD)
    one(list(there.values()), *_blueprint(there))["data"]["spec"] = {"replicas": "many"}
    assert images(chosen(NEW, there))[0] == "runtime:2"


def test_a_settings_change_waits_as_an_upgrade_does_and_going_back_leaves_no_trace() -> None:
    waits = chosen(replace(OLD, domain="example.local"), there_after(OLD))
    assert waits.pods == chosen(OLD, there_after(OLD)).pods
    again = chosen(OLD, there_after(OLD, by=waits))
    assert again == waits


def test_where_the_new_pods_are_the_same_they_are_of_the_new_version_at_once() -> None:
    found = chosen(replace(OLD, version="2"), there_after(OLD))
    assert images(found) == ("runtime:1", "router:1")
    assert found.version == "2"


def test_where_no_pod_serves_what_is_new_comes_at_once() -> None:
    assert images(chosen(NEW, there_after(OLD), serves=False)) == ("runtime:2", "router:2")


def test_a_blueprint_is_read_as_it_was_written_and_the_last_one_counts() -> None:
    app = keeper(OLD, {}).app
    first = keeper(OLD, {"replicas": 2}).fresh("demo-source-x", "y")
    second = replace(keeper(NEW, {"web": {"router": {"enabled": False}}}).fresh(None, None))
    second = replace(second, number=10)
    objects = [*there_after(NEW, by=second).values(), *there_after(OLD, by=first).values()]
    assert newest(app, objects) == second
    assert newest(app, there_after(OLD, by=first).values()) == first


def test_what_the_statefulsets_controller_keeps_is_no_blueprint() -> None:
    foreign = {
        "kind": "ControllerRevision",
        "metadata": {"name": "demo-6d4f", "ownerReferences": [{"uid": "the-statefulsets"}]},
        "data": {"spec": {}},
        "revision": 99,
    }
    there = {**there_after(OLD), ("ControllerRevision", "demo-6d4f"): foreign}
    assert images(chosen(NEW, there))[0] == "runtime:1"


@pytest.mark.parametrize("missing", ["pods", "version", "spec"])
def test_what_another_version_keeps_otherwise_is_no_blueprint(missing: str) -> None:
    # It wrote a number that is greater than ours will be; ours must count nevertheless.
    there = there_after(OLD)
    key = _blueprint(there)
    other: Manifest = {**there[key], "revision": 7}
    other["data"] = {name: one for name, one in other["data"].items() if name != missing}
    found = {**there, ("ControllerRevision", "demo-blueprint-other"): other}
    assert images(chosen(NEW, found))[0] == "runtime:1"
    assert newest(keeper(OLD, {}).app, [other]) is None


def _blueprint(there: There) -> tuple[str, str]:
    (key,) = [key for key in there if key[0] == "ControllerRevision"]
    return key


CARRIED_OUT: Manifest = {"type": "Progressing", "observedGeneration": 3, "reason": "Complete"}


class TestWithoutABlueprint:
    """An operator made the pods that wrote none."""

    def chosen(self, cluster: Cluster, condition: Manifest, **spec: Any) -> Blueprint:
        there = there_after(OLD)
        del there[_blueprint(there)]
        written = {**body(**spec), "status": {"conditions": [condition]}}
        kept = Keeper(parse(written), written, cluster)
        return kept.chosen(kept.fresh(None, None), there)

    def test_pods_stay_where_the_status_says_that_the_spec_was_carried_out(self) -> None:
        found = self.chosen(NEW, CARRIED_OUT)
        assert images(found) == ("runtime:1", "router:1")
        assert (found.version, found.number) == ("", 1)

    @pytest.mark.parametrize("change", [{"observedGeneration": 2}, {"reason": "Stopped"}])
    def test_a_spec_that_was_not_carried_out_is_carried_out(self, change: Manifest) -> None:
        found = self.chosen(NEW, {**CARRIED_OUT, **change})
        assert images(found) == ("runtime:2", "router:2")

    def test_where_this_operator_makes_the_same_it_is_of_its_version(self) -> None:
        assert self.chosen(OLD, CARRIED_OUT).version == "1"

    def test_a_router_that_is_away_comes_back(self) -> None:
        there = there_after(OLD)
        del there[_blueprint(there)], there["Deployment", names.router_name("demo")]
        written = {**body(), "status": {"conditions": [CARRIED_OUT]}}
        kept = Keeper(parse(written), written, NEW)
        assert images(kept.chosen(kept.fresh(None, None), there)) == ("runtime:1", "router:2")


def test_the_name_of_a_copy_is_the_same_for_ever() -> None:
    # Another name for the same source would make each app's pods anew with a new operator.
    assert snapshot_name(keeper(OLD, {}).app, SOURCE) == "demo-source-7c5277f618"
