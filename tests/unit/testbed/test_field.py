"""Measuring a takeover on nodes, from logs that no cluster wrote."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from tests.e2e.cluster import Cluster
from tests.e2e.faults import processes
from tests.e2e.field import SINGLETON, Field
from tests.e2e.nodelogs import NodeLogs
from tests.e2e.testbed import Testbed

NOBODY = cast("Cluster", None)


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    with NodeLogs([tmp_path], "field") as logs:
        yield Field(NOBODY, cast("Testbed", None), "field", logs)


def speak(folder: Path, uid: str, token: int, at: float, *whats: str) -> None:
    """Words of a pod's tenure, all at that instant (since the epoch)."""
    path = folder / f"field_demo-{uid}_{uid}" / "app" / "0.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    boot = at - time.time() + time.clock_gettime(time.CLOCK_BOOTTIME)
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    with path.open("a") as file:
        for what in whats:
            word = f"{what} {SINGLETON} {token} - p{token} 0 {boot:.6f} 1 {token}"
            file.write(f"{stamp}000Z stdout F {word}\n")


def test_a_takeover_is_from_the_fault_to_the_next_tenures_first_acknowledged_write(
    field: Field, tmp_path: Path
) -> None:
    fault = time.time() - 10
    speak(tmp_path, "uid-0", 7, fault - 1, "begin", "beat", "wrote")
    assert field.logs.until(lambda: field.token() == 7, 10)
    speak(tmp_path, "uid-1", 9, fault + 4.5, "begin", "beat")
    speak(tmp_path, "uid-1", 9, fault + 5.0, "wrote")
    speak(tmp_path, "uid-1", 9, fault + 6.0, "wrote")
    begun, written = field.takeover(7, fault, 10)
    assert (round(begun, 3), round(written, 3)) == (4.5, 5.0)
    assert field.verdict(0).overlaps == []


def test_a_beat_on_a_node_that_was_cut_off_is_judged_though_it_is_read_late(
    field: Field, tmp_path: Path
) -> None:
    now = time.time() - 10
    speak(tmp_path, "uid-1", 9, now, "begin", "beat")
    assert field.logs.until(lambda: field.token() == 9, 10)
    speak(tmp_path, "uid-0", 7, now + 1, "beat")
    assert field.logs.until(lambda: len(field.logs.words) == 3, 10)
    assert len(field.verdict(0).overlaps) == 1


def test_a_container_that_does_not_run_has_no_processes_rather_than_all(field: Field) -> None:
    pod = {
        "metadata": {"name": "demo-0", "uid": "uid-0"},
        "status": {"containerStatuses": [{"name": "app", "state": {"waiting": {}}}]},
    }
    with pytest.raises(AssertionError, match="do not run"):
        processes(pod, "app")
    with pytest.raises(AssertionError, match="do not run"):
        processes(pod, "runtime")
