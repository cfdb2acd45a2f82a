"""What many apps cost the operator and the API server: a real API server, the real process.

`python -m tools.bench_operator [APPS] [--minutes N] [--keep]`: so many apps (200) without pods are
made, and once all are as wanted nothing happens for so many minutes (5). Each line is a minute of
these: reconciles, and of their seconds median and 99th percentile, which are read off a histogram;
the operator's resident memory and share of a processor; requests to the API server by its own
count, all clients' together. `--keep` keeps the table for docs/benchmarks.md.
"""

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.results import Table
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import controllers, is_complete, kubectl
from tests.integration.operator.processes import ROOT, Replica, installed, until

from immutant_operator.api import APP_KIND, Api, connected

NAMESPACE = "bench"
MINUTE = 60.0
PATIENCE = 1800.0
RECONCILES = "immutant_operator_reconcile_seconds"
HEAD = (
    "minute",
    "reconciles/s",
    "p50 (ms)",
    "p99",
    "RSS (MiB)",
    "CPU (%)",
    "requests/s",
    "of these",
)
_METRIC = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Reading:
    """All counters at one moment.

    Attributes:
        at: When, in seconds.
        buckets: How many reconciles took at most so many seconds.
        requests: How many requests there were, by verb.
        memory: Resident, in MiB.
        processor: Seconds of it.
    """

    at: float
    buckets: Mapping[float, float]
    requests: Mapping[str, float]
    memory: float
    processor: float

    @classmethod
    def take(cls, server: ApiServer, replica: Replica) -> "Reading":
        """Read them all."""
        buckets: dict[float, float] = {}
        for labels, value in _metric(
            replica.ops("/metrics"), "immutant_operator_reconcile_seconds_bucket"
        ):
            buckets[float(labels["le"])] = value
        requests: dict[str, float] = {}
        for labels, value in _metric(server.call("GET", "/metrics"), "apiserver_request_total"):
            requests[labels["verb"]] = requests.get(labels["verb"], 0.0) + value
        process = Path("/proc", str(replica.process.pid))
        resident = int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        times = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
        seconds = sum(map(int, times)) / _TICKS
        return cls(time.monotonic(), buckets, requests, resident / 2**20, seconds)

    def since(self, former: "Reading") -> list[str]:
        """The cells of the time between two readings."""
        span = self.at - former.at
        buckets = {le: count - former.buckets[le] for le, count in self.buckets.items()}
        verbs = {
            verb: (count - former.requests.get(verb, 0.0)) / span
            for verb, count in self.requests.items()
        }
        busiest = sorted(verbs.items(), key=lambda one: -one[1])
        return [
            f"{buckets[max(buckets)] / span:.1f}",
            *(_milliseconds(buckets, part) for part in (0.5, 0.99)),
            f"{self.memory:.0f}",
            f"{100 * (self.processor - former.processor) / span:.0f}",
            f"{sum(verbs.values()):.1f}",
            ", ".join(f"{verb} {rate:.1f}" for verb, rate in busiest if rate >= 0.05),
        ]


def _metric(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    found = (_METRIC.match(line) for line in text.splitlines() if line.startswith(name))
    return [
        (dict(re.findall(r'(\w+)="([^"]*)"', one[2] or "")), float(one[3]))
        for one in found
        if one is not None and one[1] == name
    ]


def _milliseconds(buckets: Mapping[float, float], part: float) -> str:
    return f"{1000 * quantile(buckets, part):.0f}" if max(buckets.values()) else "-"


def quantile(buckets: Mapping[float, float], part: float) -> float:
    """A quantile, as Prometheus reads it off a histogram: evenly spread within a bucket."""
    wanted, below, lower = part * buckets[max(buckets)], 0.0, 0.0
    for upper, count in sorted(buckets.items()):
        if upper == float("inf"):
            break
        if count >= wanted and count > below:
            return lower + (upper - lower) * (wanted - below) / (count - below)
        below, lower = count, upper
    return lower


async def make(api: Api, apps: int) -> None:
    """Write the apps, ten at a time."""
    version, kind = APP_KIND
    gate = asyncio.Semaphore(10)

    async def write(number: int) -> None:
        metadata = {"name": f"app-{number}", "namespace": NAMESPACE}
        spec = {"replicas": 0, "web": {"host": f"app-{number}.example.org"}}
        async with gate:
            await api.apply(
                {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}, "user"
            )

    await asyncio.gather(*(write(number) for number in range(apps)))


async def until_complete(api: Api, apps: int) -> None:
    """Wait until every app is as wanted."""
    deadline = time.monotonic() + PATIENCE
    while sum(map(is_complete, await api.list(*APP_KIND, NAMESPACE, {}))) < apps:
        assert time.monotonic() < deadline, "the apps were not made in time"
        await asyncio.sleep(1.0)


async def measure(server: ApiServer, folder: Path, apps: int, minutes: int) -> list[list[str]]:
    """Make the apps and watch them at rest; a row for each minute, the first without apps."""
    account = installed(server, "immutant")
    kubectl(server, "create", "namespace", NAMESPACE)
    rows: list[list[str]] = []

    async def minute(called: str) -> None:
        before = Reading.take(server, replica)
        await asyncio.sleep(MINUTE)
        rows.append([called, *Reading.take(server, replica).since(before)])
        print(" | ".join(rows[-1]), flush=True)

    async with connected(str(server.kubeconfig())) as api:
        with Replica(account, "immutant", "bench", folder / "operator.log") as replica:
            await until(lambda: "this replica leads" in replica.said, "it leads")
            print(" | ".join(HEAD), flush=True)
            await minute("no apps")
            began = time.monotonic()
            await make(api, apps)
            await until_complete(api, apps)
            print(f"{apps} apps were made in {time.monotonic() - began:.0f} s", flush=True)
            await asyncio.sleep(MINUTE)
            for number in range(1, minutes + 1):
                await minute(str(number))
            assert "Traceback" not in replica.said, replica.said
    return rows


def kept(apps: int, minutes: int, rows: Sequence[Sequence[str]]) -> Table:
    """The table of it: without apps, the first minutes, and the last."""
    ends = [rows[0], *rows[1:3], *rows[3:][-2:]]
    how = f"python -m tools.bench_operator {apps} --minutes {minutes} --keep"
    return Table(f"operator-{apps}", HEAD, ends, how)


def main() -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("apps", nargs="?", type=int, default=200)
    parser.add_argument("--minutes", type=int, default=5)
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        server = ApiServer(Path(name))
        try:
            server.start()
            kubectl(server, "apply", "-f", str(ROOT / "crds" / "immutantapps.yaml"))
            kubectl(server, "wait", "--for=condition=Established", "crd/immutantapps.immutant.org")
            with controllers(server):
                rows = asyncio.run(measure(server, Path(name), asked.apps, asked.minutes))
        finally:
            server.close()
    if asked.keep:
        kept(asked.apps, asked.minutes, rows).keep()
    return 0


if __name__ == "__main__":
    sys.exit(main())
