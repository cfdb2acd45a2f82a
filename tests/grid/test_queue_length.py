"""The queries of docs/cluster.md for the length of a queue, on what real members answer."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from tests.documents import ROOT, blocks
from tests.grid.members import Members, leaves_sockets, running

from immutant.grid import GridBackend
from immutant.stores import Outgoing

WAITING = 7
SCRAPED = {"namespace": "default", "immutant_org_app": "shop"}
"""What Prometheus adds to each series of a pod by the PodMonitor of the documents."""

_QUERY = re.compile(r"max\((\w+)\{([^{}]*)\}\)(?: by \(immutant_org_app\))?")
_SERIES = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')

Sample = tuple[str, Mapping[str, str], float]


def documented() -> dict[str, str]:
    """Each query by the kind of what it stands in; a rule's as the adapter asks it."""
    manifests = [
        body
        for block in blocks()
        if block.path == ROOT / "docs" / "cluster.md" and block.kind == "yaml"
        for body in yaml.safe_load_all(block.code)
    ]
    found = {}
    for body in manifests:
        if body.get("kind") == "ScaledObject":
            (trigger,) = body["spec"]["triggers"]
            found["KEDA"] = trigger["metadata"]["query"]
        for rule in body.get("externalRules", ()):
            found["prometheus-adapter"] = asked(rule, manifests)
    return found


def asked(rule: Any, manifests: Sequence[Any]) -> str:
    """A rule's query for the autoscaler that names its metric: its namespace, its selector."""
    (external,) = (
        metric["external"]["metric"]
        for body in manifests
        for metric in body.get("spec", {}).get("metrics", ())
        if metric["type"] == "External"
    )
    assert external["name"] == rule["name"]["as"]
    matched = {"namespace": SCRAPED["namespace"], **external["selector"]["matchLabels"]}
    matchers = ",".join(f'{name}="{value}"' for name, value in matched.items())
    series = str(rule["seriesQuery"]).partition("{")[0]
    query = str(rule["metricsQuery"])
    return query.replace("<<.Series>>", series).replace("<<.LabelMatchers>>", matchers)


def samples(page: str) -> list[Sample]:
    return [
        (name, {**dict(_LABEL.findall(labels)), **SCRAPED}, float(value))
        for name, labels, value in _SERIES.findall(page)
    ]


def answers(query: str, there: Sequence[Sample]) -> list[float]:
    """The values that the query takes the greatest of."""
    found = _QUERY.fullmatch(query)
    assert found, f"not max(METRIC{{LABELS}}): {query}"
    wanted = dict(_LABEL.findall(found[2])).items()
    return [value for name, labels, value in there if name == found[1] and wanted <= labels.items()]


def page(members: Members, index: int) -> str:
    member = members[index]
    return member.fetch(member.ports.metrics, "/metrics")


@leaves_sockets
async def test_the_documented_queries_count_what_waits_once_wherever_the_queue_lives() -> None:
    queries = documented()
    assert set(queries) == {"KEDA", "prometheus-adapter"}
    with running(3) as members:
        backend = await GridBackend.open(members.grid(), replica="shop-0")
        try:
            await backend.queues.send("orders", [Outgoing(b"1")] * (WAITING + 1))
            assert await backend.queues.receive("orders", visibility=60.0, timeout=5.0)
            pages = [page(members, index) for index in range(3)]
            owner = next(index for index, one in enumerate(pages) if any(told(queries, one)))
            members[owner].stop()
            members.ready()
            pages += [page(members, index) for index in range(3) if index != owner]
        finally:
            await backend.close()
    for query in queries.values():
        before = sorted(value for one in pages[:3] for value in answers(query, samples(one)))
        assert before == [0, 0, WAITING], "one member tells, the others say 0"
        stale = [value for one in pages for value in answers(query, samples(one))]
        assert (max(stale), sum(stale)) == (WAITING, 2 * WAITING), "twice, for a scrape or two"


def told(queries: Mapping[str, str], one: str) -> list[float]:
    return [value for query in queries.values() for value in answers(query, samples(one))]
