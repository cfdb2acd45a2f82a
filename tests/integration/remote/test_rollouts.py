"""Pushes and commands that wait for the rollout, which the real reconciler carries out."""

import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import PATIENCE, Operated, is_complete
from tests.integration.remote.repository import Repository, on_path

from immutant.errors import RolloutFailedError
from immutant.remote.apps import read
from immutant.remote.kubectl import Kubectl
from immutant.remote.watching import resume
from immutant_operator.api import APP_KIND

APP = "from immutant import App\n\napp = App('demo')\n"
CRASH = "Traceback (most recent call last):\nImportError: no module named shop"

Kubelet = Callable[[], Awaitable[None]]


class Terminal:
    """What a user's program prints while the reconciler and the kubelets go on."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, operated: Operated) -> None:
        self.process = process
        self._log = log
        self._operated = operated

    @property
    def said(self) -> str:
        return self._log.read_text()

    async def end(self, kubelet: Kubelet | None = None) -> int:
        """Go on until the program ends; its exit status."""
        await self.until(lambda: self.process.poll() is not None, kubelet)
        return self.process.wait()

    async def until(self, holds: Callable[[], bool], kubelet: Kubelet | None = None) -> None:
        kubelet = kubelet or self._operated.make_ready
        async with asyncio.timeout(PATIENCE):
            while not holds():
                if await self._operated.api.find(*APP_KIND, self._operated.namespace, "demo"):
                    await self._operated.look()
                    await kubelet()
                await asyncio.sleep(0.1)


@pytest.fixture
def run(
    operated: Operated, repository: Repository, tmp_path: Path
) -> Iterator[Callable[..., Terminal]]:
    """Start `git push`, or a command of immutant, in a terminal of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> Terminal:
        log = tmp_path / f"terminal-{len(started)}.log"
        with log.open("ab") as file:
            started.append(repository.start(file, *command))
        return Terminal(started[-1], log, operated)

    yield start
    for process in started:
        process.kill()
        process.wait()


async def pushed(operated: Operated, run: Callable[..., Terminal], replicas: int = 2) -> None:
    """An app that runs what was pushed."""
    await operated.write(replicas=replicas)
    await operated.until(is_complete)
    terminal = run("git", "push", "demo", "main")
    assert await terminal.end() == 0, terminal.said


def crashing(operated: Operated, since: set[str]) -> Kubelet:
    """Pods that were not there before crash; the others are ready."""

    async def kubelet() -> None:
        for pod in (await operated.pods()).values():
            if pod["metadata"]["uid"] not in since:
                ended = {"exitCode": 1, "message": CRASH}
                waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
                container = {"name": "app", "ready": False, "restartCount": 2, "image": "x"}
                status = {**container, "imageID": "x", "state": waiting}
                status["lastState"] = {"terminated": ended}
                await operated.say(pod, {"phase": "Running", "containerStatuses": [status]})
        await operated.renew()

    return kubelet


def breaking(operated: Operated, commit: str) -> Kubelet:
    """Pods of a commit crash; all others are ready."""

    async def kubelet() -> None:
        app = await operated.api.get(*APP_KIND, operated.namespace, "demo")
        rows = app.get("status", {}).get("archives", ())
        digests = [row["sha256"] for row in rows if row["revision"] == commit]
        bad = {
            pod["metadata"]["uid"]
            for pod in (await operated.pods()).values()
            if any(digest in json.dumps(pod) for digest in digests)
        }
        there = await uids(operated)
        await crashing(operated, there - bad)()
        await operated.make_ready(but=bad)

    return kubelet


async def uids(operated: Operated) -> set[str]:
    return {pod["metadata"]["uid"] for pod in (await operated.pods()).values()}


async def test_a_push_tells_of_each_pod_and_ends_with_the_url(
    operated: Operated, repository: Repository, run: Callable[..., Terminal]
) -> None:
    commit = repository.commit({"app.py": APP})
    await operated.write(replicas=2)
    await operated.until(is_complete)
    terminal = run("git", "push", "demo", "main")
    assert await terminal.end() == 0, terminal.said
    for line in (
        "remote: Rolling out to 2 pods",
        "remote: demo-1 serves it (1 of 2)",
        "remote: demo-0 serves it (2 of 2)",
        f"remote: demo is at http://demo.{operated.namespace}",
        "main -> main",
    ):
        assert line in terminal.said
    app = await operated.look()
    assert app["status"]["source"]["revision"] == commit


async def test_a_version_that_crashes_fails_the_push_and_the_next_one_mends_it(
    operated: Operated, repository: Repository, run: Callable[..., Terminal]
) -> None:
    first = repository.commit({"app.py": APP})[:10]
    await pushed(operated, run)
    before = await uids(operated)
    repository.commit({"app.py": "import shop\n" + APP}, "Break it")
    terminal = run("git", "push", "demo", "main")
    assert await terminal.end(crashing(operated, before)) == 1, terminal.said
    for line in (
        "remote: The rollout has failed: demo-1, container app ended with status 1: ",
        "ImportError: no module named shop; the former version serves on in demo-0",
        f'or go back to {first} "Greet", which served last: immutant rollback demo',
        "! [remote rejected] main -> main (the rollout failed)",
    ):
        assert line in terminal.said
    repository.commit({"app.py": APP + "# mended\n"}, "Mend it")
    mended = run("git", "push", "demo", "main")
    assert await mended.end() == 0, mended.said


@pytest.mark.timeout(300)  # each failure is waited for
async def test_after_two_pushes_that_failed_what_served_is_told_of_and_gone_back_to(
    operated: Operated, repository: Repository, run: Callable[..., Terminal]
) -> None:
    served = repository.commit({"app.py": APP}, "Greet")
    await pushed(operated, run)
    before = await uids(operated)
    failed = []
    for number in (1, 2):
        failed.append(repository.commit({"app.py": f"import shop{number}\n" + APP}, "Break it"))
        terminal = run("git", "push", "demo", "main")
        assert await terminal.end(crashing(operated, before)) == 1, terminal.said
        told = f'or go back to {served[:10]} "Greet", which served last: immutant rollback demo'
        assert told in terminal.said
        assert terminal.said.count("ImportError: no module named shop") == 1, terminal.said
        assert repository.git("ls-remote", "demo").split() == [served, "refs/heads/main"]
    assert states(repository) == {failed[1]: "failed", failed[0]: "failed", served: "served"}

    back = run("immutant", "rollback", "demo", "--namespace", operated.namespace)
    assert await back.end() == 0, back.said
    assert f'Going back to {served[:10]} "Greet", which served last' in back.said
    assert f"Forward again: git push of a commit that comes after {served[:10]}" in back.said
    assert states(repository)[served] == "serves"

    forward = run("git", "push", "demo", "main")
    assert await forward.end() == 0, forward.said
    assert states(repository) == {failed[1]: "serves", failed[0]: "failed", served: "served"}
    again = repository.immutant("rollback", "demo", failed[0], "--no-wait")
    assert again.stderr == "Note: it failed when it was deployed before\n"


class Printing(Kubectl):
    """A cluster in which pods have printed something."""

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        if arguments[0] == "logs":
            return f"starting\n{CRASH}\n\n".encode()
        return super().run(*arguments, stdin=stdin)


async def test_what_a_pod_printed_last_is_told_once_line_by_line(
    operated: Operated,
    repository: Repository,
    run: Callable[..., Terminal],
    server: ApiServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    repository.commit({"app.py": APP})
    await pushed(operated, run)
    before = await uids(operated)
    repository.commit({"app.py": APP + "# 2\n"})
    terminal = run("git", "push", "demo", "main")
    assert await terminal.end(crashing(operated, before)) == 1, terminal.said
    monkeypatch.setenv("PATH", on_path())
    cluster = Printing(operated.namespace, kubeconfig=str(server.kubeconfig()))
    said: list[str] = []
    with pytest.raises(RolloutFailedError):
        await asyncio.to_thread(
            resume, cluster, read(cluster, "demo"), said.append, said.append, waits=True
        )
    how = "demo-1, container app ended with status 1; the former version serves on in demo-0"
    assert said[-5:-1] == [
        "    starting",
        *(f"    {line}" for line in CRASH.splitlines()),
        f"The rollout has failed: {how}",
    ]


@pytest.mark.timeout(300)  # each failure is waited for
async def test_a_push_that_failed_is_waited_for_again_and_replaced_without_force(
    operated: Operated, repository: Repository, run: Callable[..., Terminal]
) -> None:
    served = repository.commit({"app.py": APP})
    await pushed(operated, run)
    broken = repository.commit({"app.py": "import shop\n" + APP}, "Break it")
    for _ in range(2):
        terminal = run("git", "push", "demo", "main")
        assert await terminal.end(breaking(operated, broken)) == 1, terminal.said
        assert "! [remote rejected] main -> main (the rollout failed)" in terminal.said
    assert "demo has this already, and it does not serve in all pods yet" in terminal.said
    late = repository.push("main")
    assert late.returncode == 1
    assert "demo has this already, and it failed: demo-1, container app ended" in late.stderr

    (repository.folder / "app.py").write_text(APP + "# mended\n")
    repository.git("commit", "-qa", "--amend", "-m", "Mend it")
    mended = run("git", "push", "demo", "main")
    assert await mended.end(breaking(operated, broken)) == 0, mended.said
    assert (
        f"demo has {broken[:10]}, which fails; it is replaced once that is certain" in mended.said
    )
    assert f"{served[:7]}.." in mended.said


async def test_what_gets_over_its_error_is_not_replaced_by_what_does_not_build_on_it(
    operated: Operated, repository: Repository, run: Callable[..., Terminal]
) -> None:
    repository.commit({"app.py": APP})
    await pushed(operated, run)
    before = await uids(operated)
    hers = repository.commit({"app.py": APP + "# hers\n"}, "Hers")
    terminal = run("git", "push", "demo", "main")
    assert await terminal.end(crashing(operated, before)) == 1, terminal.said
    repository.git("commit", "-q", "--amend", "-m", "His")
    other = run("git", "push", "demo", "main")
    await other.until(
        lambda: "replaced once that is certain" in other.said, crashing(operated, before)
    )
    assert await other.end() == 1, other.said
    assert f"demo runs {hers[:10]}, and what you push does not build on it" in other.said
    app = await operated.look()
    assert app["spec"]["source"]["archive"]["revision"] == hers


def states(repository: Repository) -> dict[str, str]:
    """What `immutant history` says became of each revision."""
    listed = json.loads(repository.immutant("history", "demo", "-o", "json").stdout)
    return {one["revision"]: one["state"] for one in listed}


async def test_an_app_with_one_pod_is_told_of_without_counting_the_second(
    operated: Operated, repository: Repository, run: Callable[..., Terminal]
) -> None:
    repository.commit({"app.py": APP})
    await pushed(operated, run, replicas=1)
    repository.commit({"app.py": APP + "# 2\n"})
    terminal = run("git", "push", "demo", "main")
    assert await terminal.end() == 0, terminal.said
    told = [line.removeprefix("remote: ").rstrip() for line in terminal.said.splitlines()]
    assert "demo-1 is there until demo-0 is replaced" in told
    assert "demo-0 serves it (1 of 1)" in told
    assert [line for line in told if line.startswith("demo-1 ")] == [
        "demo-1 is there until demo-0 is replaced"
    ]


async def test_ctrl_c_leaves_the_rollout_going_and_says_so(
    operated: Operated, repository: Repository, run: Callable[..., Terminal]
) -> None:
    commit = repository.commit({"app.py": APP})
    await operated.write(replicas=2)
    await operated.until(is_complete)
    terminal = run("git", "push", "demo", "main")
    await terminal.until(lambda: "Rolling out" in terminal.said)
    os.killpg(terminal.process.pid, signal.SIGINT)
    await terminal.until(lambda: "goes on, though you wait no longer" in terminal.said)
    assert await terminal.end() != 0
    assert "Traceback" not in terminal.said
    app = await operated.until(is_complete)
    assert app["spec"]["source"]["archive"]["revision"] == commit


async def test_an_app_is_made_deployed_rolled_back_restarted_and_removed(
    operated: Operated,
    repository: Repository,
    run: Callable[..., Terminal],
    admin: Path,
    deployer: Path,
) -> None:
    repository.environ["KUBECONFIG"] = str(admin)
    here = ("--namespace", operated.namespace)
    made = run("immutant", "create", "demo", "--replicas", "2", *here)
    assert await made.end() == 0, made.said
    assert f"demo is at http://demo.{operated.namespace}" in made.said
    assert "git remote" not in made.said, "the repository has it"
    assert made.said.endswith("git push demo main\n")

    repository.environ["KUBECONFIG"] = str(deployer)
    repository.write({"app.py": APP, "one.txt": ""})
    first = run("immutant", "deploy", "demo", ".", *here)
    assert await first.end() == 0, first.said
    again = run("immutant", "deploy", "demo", *here)
    assert await again.end() == 0
    assert "demo runs this already" in again.said
    commit = repository.commit({"two.txt": ""}, "Second")
    second = run("git", "push", "demo", "main")
    assert await second.end() == 0, second.said

    listed = json.loads(repository.immutant("history", "demo", "-o", "json").stdout)
    assert [one["current"] for one in listed] == [True, False]
    assert listed[0]["revision"] == commit
    assert listed[1]["revision"].startswith("dir-")
    table = repository.immutant("history", "demo").stdout
    row = rf"^\* +{commit[:10]} +serves +\S+ +Ada +Second"
    assert re.search(row, table, re.MULTILINE), table
    unknown = repository.immutant("rollback", "demo", "nosuchrev")
    assert unknown.returncode == 1
    assert "no revision of demo begins with 'nosuchrev'; there are: " in unknown.stderr

    back = run("immutant", "rollback", "demo", *here)
    assert await back.end() == 0, back.said
    assert f", or immutant rollback demo {commit[:10]}\n" in back.said
    app = await operated.look()
    assert app["spec"]["source"]["archive"]["revision"] == listed[1]["revision"]

    before = await uids(operated)
    restarted = run("immutant", "restart", "demo", *here)
    assert await restarted.end() == 0, restarted.said
    assert before.isdisjoint(await uids(operated))

    repository.environ["KUBECONFIG"] = str(admin)
    kept = repository.immutant("delete", "demo", stdin="n\n")
    assert kept.returncode == 1
    assert "None of it can be had back" in kept.stdout
    assert repository.immutant("delete", "demo", "--yes").returncode == 0
    assert await operated.api.find(*APP_KIND, operated.namespace, "demo") is None
    gone = repository.immutant("history", "demo")
    assert gone.returncode == 1
    assert "make it: immutant create demo" in gone.stderr
    nothing = repository.immutant("delete", "demo", "--yes")
    assert nothing.returncode == 1
    assert "`immutant apps -A` lists the apps of all namespaces" in nothing.stderr
