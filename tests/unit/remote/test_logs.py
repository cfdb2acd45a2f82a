"""The merged log of an app's pods; kubectl is a stand-in that prints files."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.standins import kubectl

from immutant.errors import MissingError
from immutant.remote import logs
from immutant.remote.kubectl import Kubectl
from immutant.remote.logs import Selection, follow, history
from immutant.run.log import Log

KUBECTL = """
import pathlib, sys, time
world, arguments = pathlib.Path({world!r}), sys.argv[1:]
if arguments[0] == "get":
    if (world / "away").exists():
        sys.exit("Unable to connect to the server: it is away")
    print((world / "pods.json").read_text())
elif "--previous" in arguments:
    former = world / ("former-" + arguments[-1])
    print(former.read_text() if former.exists() else sys.exit("not found"))
else:
    streams = sorted(world.glob(arguments[-1] + ".*"))
    print(streams[0].read_text() if streams else "", end="")
    if "-f" in arguments:
        if (world / "goes-on").exists():
            sys.stdout.flush()
            while not (world / "over").exists():
                time.sleep(0.1)
        streams[0].unlink()
        if len(streams) == 1:
            (world / "away").touch()
"""


def nobody(said: str) -> None:
    """Is told where nothing is to be told."""
    raise AssertionError(said)


class EndError(Exception):
    pass


class EndingLog(Log):
    """A log that ends `follow` when there is trouble, after so many lines."""

    def __init__(self, out: int, lines: int) -> None:
        super().__init__(out)
        self._lines = threading.Semaphore(0)
        self._whole = lines

    def line(self, name: str, text: bytes) -> None:
        super().line(name, text)
        self._lines.release()

    def say(self, text: str) -> None:
        assert all(self._lines.acquire(timeout=10) for _ in range(self._whole))
        raise EndError(text)


def pod(name: str) -> dict[str, object]:
    status = {"name": "app", "containerID": f"id-{name}", "state": {"running": {}}}
    spec = {"initContainers": [{"name": "source"}], "containers": [{"name": "app"}]}
    return {
        "metadata": {"name": name, "uid": f"uid-{name}"},
        "spec": spec,
        "status": {"containerStatuses": [status]},
    }


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs = kubectl(tmp_path, KUBECTL.format(world=str(tmp_path)))
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setattr(logs, "_LOOK", 0.05)
    (tmp_path / "pods.json").write_text(json.dumps({"items": [pod("demo-0"), pod("demo-1")]}))
    return tmp_path


@pytest.fixture
def out(tmp_path: Path) -> Iterator[int]:
    with (tmp_path / "out").open("wb") as file:
        yield file.fileno()


def written(world: Path) -> list[str]:
    return (world / "out").read_text().splitlines()


def test_lines_are_in_the_order_of_instants_whatever_the_nodes_zones(world: Path, out: int) -> None:
    (world / "demo-0.1").write_text("2026-08-01T08:00:01.5+02:00 first\nunable to retrieve\n")
    (world / "demo-1.1").write_text(
        "2026-08-01T06:00:02.123456789Z second\n2026-08-01T06:00:02.123456789Z third\n"
    )
    with closing(Log(out)) as log:
        history(Kubectl(), "demo", Selection(), log, nobody)
    assert written(world) == ["demo-0 | first", "demo-1 | second", "demo-1 | third"]


def test_a_stream_that_is_resumed_repeats_nothing_and_loses_no_equal_stamp(
    world: Path, out: int
) -> None:
    (world / "pods.json").write_text(json.dumps({"items": [pod("demo-0")]}))
    (world / "demo-0.1").write_text(
        "2026-08-01T08:00:01+02:00 a\n2026-08-01T08:00:02+02:00 b\n2026-08-01T08:00:02+02:00 c\n"
    )
    (world / "demo-0.2").write_text(
        "2026-08-01T08:00:02+02:00 b\n2026-08-01T08:00:02+02:00 c\n"
        "2026-08-01T08:00:03+02:00 d\n2026-08-01T08:00:03+02:00 e\n"
    )
    with closing(EndingLog(out, 5)) as log, pytest.raises(EndError, match="it is away"):
        follow(Kubectl(), "demo", Selection(), log, threading.Event())
    assert written(world) == [f"demo-0 | {letter}" for letter in "abcde"]


@pytest.mark.timeout(30)
def test_who_follows_ends_with_the_one_who_reads_and_leaves_no_kubectl(world: Path) -> None:
    (world / "goes-on").touch()
    for number in range(2):
        (world / f"demo-{number}.1").write_text("2026-08-01T08:00:01Z a\n")
    reader, writer = os.pipe()
    os.close(reader)
    gone, before = threading.Event(), set(threading.enumerate())
    with closing(Log(writer, on_broken=gone.set)) as log:
        follow(Kubectl(), "demo", Selection(), log, gone)
    os.close(writer)
    assert set(threading.enumerate()) == before, "each ends with its kubectl"


@pytest.mark.parametrize(
    ("selection", "told"),
    [
        (Selection(pod="demo-7"), "there is no pod demo-7; there are: demo-0, demo-1"),
        (Selection(container="web"), "there is no container web in the pods; .*: source, app"),
    ],
)
def test_a_pod_or_a_container_that_is_not_there_is_told_with_those_that_are(
    world: Path, out: int, selection: Selection, told: str
) -> None:
    with closing(Log(out)) as log:
        with pytest.raises(MissingError, match=told):
            history(Kubectl(), "demo", selection, log, nobody)
        with pytest.raises(MissingError, match=told):
            follow(Kubectl(), "demo", selection, log, threading.Event())


def crashed(state: dict[str, object]) -> dict[str, object]:
    ended = {"terminated": {"exitCode": 1, "containerID": "id-former"}}
    status = {"name": "app", "containerID": "id-now", "state": state, "lastState": ended}
    return {**pod("demo-0"), "status": {"containerStatuses": [status]}}


def test_of_a_container_that_said_nothing_since_its_crash_the_former_log_is_printed(
    world: Path, out: int
) -> None:
    (world / "pods.json").write_text(json.dumps({"items": [crashed({"running": {}})]}))
    (world / "former-demo-0").write_text("2026-08-01T08:00:01Z ValueError\n")
    told: list[str] = []
    with closing(Log(out)) as log:
        history(Kubectl(), "demo", Selection(), log, told.append)
    assert written(world) == ["demo-0 | ValueError"]
    assert told == [
        "demo-0: app has said nothing since it was started again; what it said before is below"
    ]


def test_where_the_former_log_is_not_kept_nothing_is_printed(world: Path, out: int) -> None:
    (world / "pods.json").write_text(json.dumps({"items": [crashed({"running": {}})]}))
    told: list[str] = []
    with closing(Log(out)) as log:
        history(Kubectl(), "demo", Selection(), log, told.append)
    assert (written(world), told) == ([], [])


def test_of_a_container_that_waits_to_be_started_again_the_last_log_is_printed(
    world: Path, out: int
) -> None:
    waiting = crashed({"waiting": {"reason": "CrashLoopBackOff"}})
    (world / "pods.json").write_text(json.dumps({"items": [waiting]}))
    (world / "demo-0.1").write_text("2026-08-01T08:00:01Z ValueError\n")
    told: list[str] = []
    with closing(Log(out)) as log:
        history(Kubectl(), "demo", Selection(), log, told.append)
    assert written(world) == ["demo-0 | ValueError"]
    assert told == [
        "demo-0: app waits to be started again (CrashLoopBackOff); what it said before is below"
    ]


def test_who_follows_sees_the_last_log_of_a_container_that_waits_once(
    world: Path, out: int
) -> None:
    waiting = crashed({"waiting": {"reason": "CrashLoopBackOff"}})
    (world / "pods.json").write_text(json.dumps({"items": [waiting, pod("demo-1")]}))
    (world / "former-demo-0").write_text("2026-08-01T08:00:01Z ValueError\n")
    (world / "demo-1.1").write_text("2026-08-01T08:00:02Z d\n")
    (world / "demo-1.2").write_text("2026-08-01T08:00:03Z e\n")
    with closing(EndingLog(out, 3)) as log, pytest.raises(EndError, match="it is away"):
        follow(Kubectl(), "demo", Selection(), log, threading.Event())
    assert sorted(written(world)) == ["demo-0 | ValueError", "demo-1 | d", "demo-1 | e"]


def test_two_pods_whose_containers_have_no_identifier_are_followed_both(
    world: Path, out: int
) -> None:
    status = {
        "name": "app",
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 1}},
    }
    waiting = [
        {**pod(name), "status": {"containerStatuses": [status]}} for name in ("demo-0", "demo-1")
    ]
    (world / "pods.json").write_text(json.dumps({"items": [*waiting, pod("demo-2")]}))
    for number in range(2):
        (world / f"former-demo-{number}").write_text("2026-08-01T08:00:01Z ValueError\n")
    (world / "demo-2.1").write_text("2026-08-01T08:00:02Z d\n")
    with closing(EndingLog(out, 3)) as log, pytest.raises(EndError, match="it is away"):
        follow(Kubectl(), "demo", Selection(), log, threading.Event())
    assert sorted(written(world)) == ["demo-0 | ValueError", "demo-1 | ValueError", "demo-2 | d"]


def test_what_a_node_says_of_a_log_that_it_keeps_no_more_is_no_log(world: Path) -> None:
    (world / "demo-0.1").write_text("unable to retrieve container logs for containerd://7c0f")
    (world / "demo-1.1").write_text("2026-08-01T08:00:01Z unable to retrieve it")
    assert Kubectl().log("demo-0") == b""
    assert Kubectl().log("demo-1") != b""
