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
from tests.integration.operator.harness import PATIENCE, Operated, is_complete
from tests.integration.remote.repository import Repository

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
    repository.commit({"app.py": APP})
    await pushed(operated, run)
    before = await uids(operated)
    repository.commit({"app.py": "import shop\n" + APP}, "Break it")
    terminal = run("git", "push", "demo", "main")
    assert await terminal.end(crashing(operated, before)) == 1, terminal.said
    for line in (
        "remote: The rollout has failed: demo-1, container app ended with status 1: ",
        "ImportError: no module named shop; the former version serves on in demo-0",
        "or go back: immutant rollback demo",
        "! [remote rejected] main -> main (the rollout failed)",
    ):
        assert line in terminal.said
    repository.commit({"app.py": APP + "# mended\n"}, "Mend it")
    mended = run("git", "push", "demo", "main")
    assert await mended.end() == 0, mended.said


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
    assert f"git remote add demo immutant://{operated.namespace}/demo" in made.said

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
    assert re.search(rf"^\* +{commit[:10]} +\S+ +Ada +Second", table, re.MULTILINE), table

    back = run("immutant", "rollback", "demo", *here)
    assert await back.end() == 0, back.said
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


async def test_a_name_that_is_taken_or_cannot_be_is_refused(
    operated: Operated, repository: Repository, admin: Path
) -> None:
    repository.environ["KUBECONFIG"] = str(admin)
    await operated.write()
    taken = repository.immutant("create", "demo")
    assert taken.returncode == 1
    assert "there is an app demo already; deploy to it" in taken.stderr
    wrong = repository.immutant("create", "My.App")
    assert wrong.returncode == 78
    assert "write it as in my-app" in wrong.stderr


async def test_an_app_is_made_as_its_folders_file_has_it(
    operated: Operated, repository: Repository, admin: Path
) -> None:
    repository.environ["KUBECONFIG"] = str(admin)
    described = "{kind: ImmutantApp, metadata: {name: demo}, spec: {replicas: 3}}"
    repository.write({"app.yaml": described})
    made = repository.immutant("create", "demo", "--no-wait")
    assert made.returncode == 0, made.stderr
    assert f"Made demo in namespace {operated.namespace}, as app.yaml has it" in made.stdout
    assert made.stdout.rstrip().endswith("git push demo main")
    assert (await operated.look())["spec"]["replicas"] == 3
