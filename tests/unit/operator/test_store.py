"""What is kept of what is there, whatever the order in which it is heard of."""

from typing import Any

import pytest
from tests.unit.operator.leases import job, singleton

from immutant.contract import names
from immutant_operator.seen import Seen
from immutant_operator.store import Store

DEMO = ("apps", "demo")


def service(version: int, *, name: str = "web", app: str = "demo", **more: Any) -> Any:
    labels = {names.APP_LABEL: app} if app else {}
    metadata = {"namespace": "apps", "name": name, "uid": f"uid-{name}", "labels": labels}
    metadata |= {"resourceVersion": str(version), **more.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, **more}


def read(*bodies: Any) -> list[Seen]:
    return [seen for body in bodies if (seen := Seen.read(body)) is not None]


@pytest.fixture
def store() -> Store:
    return Store()


def versions(store: Store) -> dict[str, int]:
    return {name: seen.version for (_, name), seen in store.inventory(DEMO).items()}


def test_the_newer_word_counts_whichever_comes_first(store: Store) -> None:
    assert store.saw(service(12, spec={"port": 2})) == {DEMO}
    assert store.saw(service(11, spec={"port": 1})) == set()
    assert store.lost(service(10)) == set(), "it was made anew since"
    assert versions(store) == {"web": 12}
    assert store.lost(service(13)) == {DEMO}
    assert versions(store) == {}
    assert store.saw(service(12)) == set(), "a word from before it went"


def test_what_is_of_the_status_or_the_servers_own_is_no_news(store: Store) -> None:
    store.saw(service(1, spec={"port": 1}))
    same = {"managedFields": [{"manager": "somebody"}], "generation": 7}
    assert store.saw(service(2, spec={"port": 1}, status={"ip": "1"}, metadata=same)) == set()
    assert versions(store) == {"web": 2}
    assert store.saw(service(3, spec={"port": 1}, metadata={"annotations": {"a": "b"}})) == {DEMO}


def test_what_a_list_does_not_have_is_gone_unless_it_is_younger(store: Store) -> None:
    for name, version in (("gone", 5), ("changed", 6), ("young", 30)):
        store.saw(service(version, name=name))
    listed = read(service(15, name="changed", spec={}), service(4, name="missed"))
    assert store.listed("Service", 20, listed) == {DEMO}
    assert versions(store) == {"changed": 15, "missed": 4, "young": 30}
    assert store.saw(service(7, name="gone")) == set(), "a watch that lags behind the list"
    assert store.listed("Service", 20, listed) == set(), "nothing is new"


def test_a_list_brings_nothing_back_that_went_while_it_was_made(store: Store) -> None:
    store.saw(service(5))
    store.lost(service(21))
    store.listed("Service", 20, read(service(5)))
    assert versions(store) == {}
    store.listed("Service", 30, read(service(25)))
    assert versions(store) == {"web": 25}, "it was made anew"


def test_an_api_server_that_was_set_back_is_believed(store: Store) -> None:
    store.listed("Service", 1000, read(service(900), service(990, name="later")))
    store.listed("Service", 500, read(service(400)))
    assert versions(store) == {"web": 400}
    assert store.saw(service(501, spec={})) == {DEMO}


def test_an_object_that_loses_its_label_or_gets_another_is_news_to_both(store: Store) -> None:
    store.saw(service(1))
    assert store.saw(service(2, app="other")) == {DEMO, ("apps", "other")}
    assert versions(store) == {}
    assert store.saw(service(3, app="")) == {("apps", "other")}
    assert store.inventory(("apps", "other")) == {}


def test_ticks_are_no_reason_to_look_and_moves_are(store: Store) -> None:
    versions = iter(range(1, 100))

    def changed(number: int, *, gone: bool = False, **more: Any) -> bool:
        lease = singleton("demo.job.ajob", number, **more)
        lease["metadata"] |= {"uid": "uid", "resourceVersion": str(next(versions))}
        return bool(store.lost(lease) if gone else store.saw(lease))

    assert changed(0)
    for outcomes in (("ok",), ("ok", "ok")):
        assert not changed(0, body=job(*outcomes))
    assert changed(0, released=True)
    assert changed(1)
    assert changed(1, at=1_800_000_009.0), "another tenure"
    assert changed(1, gone=True)
    assert not changed(1, gone=True)


def test_pods_are_the_apps_own_and_numbered(store: Store) -> None:
    for name, component in (("demo-0", "app"), ("demo-x", "app"), ("demo-router-1", "router")):
        labels = {names.APP_LABEL: "demo", "app.kubernetes.io/component": component}
        store.saw({**service(1, name=name, metadata={"labels": labels}), "kind": "Pod"})
    assert [pod.name for pod in store.pods(DEMO)] == ["demo-0"]


def test_nothing_is_kept_of_what_has_gone() -> None:
    store = Store()
    for number in range(1, 1000):
        store.saw(service(2 * number, name=f"web-{number}", app=f"demo-{number}"))
        store.lost(service(2 * number + 1, name=f"web-{number}", app=f"demo-{number}"))
    store.listed("Service", 3000, [])
    kept = (store._kinds["Service"], store._apps, store._gone["Service"])
    assert [len(one) for one in kept] == [0, 0, 0]
