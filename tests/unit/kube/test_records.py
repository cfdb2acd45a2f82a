import copy
from dataclasses import replace
from typing import Any

import pytest

from immutant.contract.names import SINGLETON_LABEL
from immutant.kube.records import Former, Owner, from_object, to_object
from immutant.leases import Lease

OWNER = Owner("apps", "demo", "uid-1")
LEASE = Lease(
    "demo.daemon.counter",
    holder="demo-0/uid/1",
    member="demo-0",
    nonce="n",
    write="w",
    former=("x",),
    duration=2.5,
    body="ü",
)
NONE = Former()


def stored(lease: Lease = LEASE, former: Former = NONE, expect: int = 0) -> dict[str, Any]:
    found = to_object(lease, expect, OWNER, former, 1_700_000_000.25)
    found["metadata"]["resourceVersion"] = "7"
    return found


def test_a_lease_comes_back_as_it_was() -> None:
    assert from_object(stored(), OWNER) == replace(LEASE, version=7)


def test_others_find_what_they_look_for() -> None:
    found = stored()
    assert found["spec"] == {
        "holderIdentity": "demo-0/uid/1",
        "leaseDurationSeconds": 3,
        "acquireTime": "2023-11-14T22:13:20.250000+00:00",
        "renewTime": "2023-11-14T22:13:20.250000+00:00",
        "leaseTransitions": 1,
    }
    assert found["metadata"]["ownerReferences"][0]["uid"] == "uid-1"


def test_a_singletons_lease_can_be_watched_without_the_members() -> None:
    labels = stored()["metadata"]["labels"]
    assert labels["immutant.org/singleton"] == "daemon"
    assert (
        stored(replace(LEASE, name="demo.job.a.b"))["metadata"]["labels"][SINGLETON_LABEL] == "job"
    )
    member = stored(replace(LEASE, name="demo.member.0"))["metadata"]["labels"]
    assert member == {key: labels[key] for key in labels if key != SINGLETON_LABEL}


def test_a_renewal_keeps_the_time_of_acquiring_and_a_new_holder_counts_as_a_transition() -> None:
    former = Former(6, "u", "demo-0/uid/1", "then", 4)
    spec = stored(former=former, expect=6)["spec"]
    assert (spec["acquireTime"], spec["leaseTransitions"]) == ("then", 4)
    spec = stored(replace(LEASE, holder="demo-1/uid/2"), former, 6)["spec"]
    assert spec["leaseTransitions"] == 5
    assert spec["acquireTime"] == spec["renewTime"]


def test_a_write_over_an_object_names_its_uid() -> None:
    found = to_object(LEASE, 6, OWNER, Former(6, "u"), 0.0)
    assert (found["metadata"]["uid"], found["metadata"]["resourceVersion"]) == ("u", "6")


@pytest.mark.parametrize("given_back", [{"released": "n"}, {"ended": "resigned"}])
def test_what_is_given_back_shows_no_holder_and_remembers_it(given_back: dict[str, str]) -> None:
    lease = replace(LEASE, **given_back)  # type: ignore[arg-type]
    found = stored(lease)
    assert found["spec"]["holderIdentity"] is None
    assert from_object(found, OWNER) == replace(lease, version=7)


def edited(*path: str, value: Any = None) -> dict[str, Any]:
    found = copy.deepcopy(stored())
    place = found
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return found


@pytest.mark.parametrize(
    "found",
    [
        edited("spec", "holderIdentity", value="somebody"),
        edited("spec", "holderIdentity"),
        edited("spec"),
        edited("metadata", "annotations", "immutant.org/nonce"),
        edited("metadata", "annotations", "immutant.org/nonce", value=""),
        edited("metadata", "annotations", "immutant.org/former", value="x"),
        edited("metadata", "annotations", "immutant.org/former", value="[" * 5000),
        edited("metadata", "annotations", "immutant.org/duration", value="nan"),
        edited("metadata", "annotations"),
        edited("metadata", "labels"),
        edited("metadata", "labels", "immutant.org/app-uid", value="another app of this name"),
    ],
)
def test_what_a_hand_has_changed_exists_and_proves_nothing(found: dict[str, Any]) -> None:
    assert from_object(found, OWNER) == Lease(LEASE.name, version=7)


@pytest.mark.parametrize("noted", ["demo.daemon.other", "Not.a.record"])
def test_the_name_is_the_objects_own_whatever_its_annotation_says(noted: str) -> None:
    found = edited("metadata", "annotations", "immutant.org/record", value=noted)
    assert from_object(found, OWNER) == replace(LEASE, version=7)
