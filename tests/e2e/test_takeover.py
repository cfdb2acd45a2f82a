"""How long a singleton is away after each kind of fault, on three real nodes; and nobody overlaps.

Only a long form (`make chaos`, IMMUTANT_TRIALS above 1): each row so many times, in the default
timings and in a faster profile, and other faults a quarter as often. Its tables are kept for
docs/benchmarks.md. With every test run, `test_article` kills a pod and `test_nodes` the nodes once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from tests.chaos.judge import JUDGED, Verdict
from tests.chaos.results import Table, seconds
from tests.chaos.settings import HOW, LONG, TRACES, TRIALS
from tests.e2e.cluster import Cluster
from tests.e2e.field import Field, Takeover
from tests.e2e.field import field as made
from tests.e2e.node_faults import OTHERS, ROWS, Fault
from tests.e2e.testbed import Testbed

PROFILES = {
    "default": {"leaseDuration": "4s", "renewDeadline": "2.5s", "renewPeriod": "1s"},
    "fast": {"leaseDuration": "1.2s", "renewDeadline": "0.7s", "renewPeriod": "250ms"},
}
BOUNDS = {
    "graceful stop": 1.0,
    "app killed": 1.0,
    "pod killed": 6.0,
    "node cut off": 6.0,
    "node crashed": 6.0,
}
"""Seconds to the successor's first acknowledged write, in the default timings."""

PATIENCE = 60.0
SEVERAL = max(5, TRIALS // 4)

HEAD = ("fault", "trials", *("tenure min", "median", "max", "write min", "median", "max"))


@dataclass
class Row:
    """All trials of one kind."""

    takeovers: list[Takeover] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    def cells(self) -> list[str]:
        begun, written = (list(one) for one in zip(*self.takeovers, strict=True))
        return [str(len(begun)), *seconds(begun), *seconds(written), *self.verdict.cells()]


pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(not LONG, reason="the long form's: `make chaos`"),
]


@pytest.fixture(scope="module", params=PROFILES)
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def on_nodes(cluster: Cluster, testbed: Testbed, profile: str) -> Iterator[Field]:
    with made(cluster, testbed, f"takeover-{profile}", PROFILES[profile]) as found:
        yield found


@pytest.mark.timeout(600 + 150 * TRIALS * len(ROWS))
def test_a_singleton_goes_on_elsewhere_within_its_bound(
    on_nodes: Field, profile: str, tables: dict[str, Table]
) -> None:
    rows = played(on_nodes, ROWS, TRIALS, f"takeover-{profile}", tables)
    assert_right(rows)
    if profile == "default":
        most = {kind: max(write for _, write in row.takeovers) for kind, row in rows.items()}
        late = {kind: most[kind] for kind in most if most[kind] > BOUNDS[kind]}
        assert not late, late


@pytest.mark.timeout(600 + 200 * SEVERAL * len(OTHERS))
def test_no_other_fault_lets_two_tenures_beat(
    on_nodes: Field, profile: str, tables: dict[str, Table]
) -> None:
    assert_right(played(on_nodes, OTHERS, SEVERAL, f"faults-on-nodes-{profile}", tables))


def played(
    on_nodes: Field,
    faults: Mapping[str, Fault],
    trials: int,
    name: str,
    tables: dict[str, Table],
) -> dict[str, Row]:
    """Play each fault so many times, each on a cluster that is whole.

    The table is there at the end of the run, and what it has so far when a trial fails.
    """
    rows: dict[str, Row] = {}
    for kind, fault in faults.items():
        rows[kind] = Row()
        while len(rows[kind].takeovers) < trials:
            play_one(on_nodes, kind, fault, rows[kind])
            cells = [[kind, *row.cells()] for kind, row in rows.items() if row.takeovers]
            tables[name] = Table(name, (*HEAD, *JUDGED), cells, f"{HOW}, on the testbed")
        print(*tables[name].lines(), sep="\n", flush=True)
    return rows


def play_one(on_nodes: Field, kind: str, fault: Fault, row: Row) -> None:
    """One trial; no takeover is counted where the singleton had moved just before the fault."""
    on_nodes.until_whole()
    read, former = len(on_nodes.logs.words), on_nodes.token()
    harm = fault(on_nodes)
    since = next(harm)
    try:
        taken = on_nodes.takeover(former, since, PATIENCE)
    finally:
        next(harm, None)
    if taken[0] >= 0:
        row.takeovers.append(taken)
    on_nodes.until_whole()
    verdict = on_nodes.verdict(read)
    if verdict.wrong:
        on_nodes.keep(TRACES / f"{kind}, trial {len(row.takeovers)}".replace(" ", "-"), read)
    row.verdict.add(verdict)


def assert_right(rows: Mapping[str, Row]) -> None:
    wrong = [f"{kind}: {one}" for kind, row in rows.items() for one in row.verdict.wrong]
    assert not wrong, "\n".join([*wrong, f"what was said, and the pods' logs, are in {TRACES}"])
