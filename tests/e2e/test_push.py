"""An application's life by `git push` and the commands, as its users type them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.cluster import Browser, Cluster, Workload, namespace, until
from tests.integration.remote.repository import Repository

NAMESPACE = "pushes"
HOST = "pushes.example.org"
PATIENCE = 300.0
APP = """
from immutant import App

app = App("demo")


@app.get("/")
async def index(request):
    return "TEXT"
"""

pytestmark = pytest.mark.timeout(1200)  # five rollouts, and each may be waited for


@pytest.fixture
def repository(cluster: Cluster, tmp_path: Path) -> Iterator[Repository]:
    with namespace(cluster, NAMESPACE) as name:
        yield Repository(tmp_path, Path(os.environ["KUBECONFIG"]), name, PATIENCE)


def test_from_the_welcome_page_to_a_version_that_fails_and_back(
    cluster: Cluster, repository: Repository
) -> None:
    made = repository.immutant("create", "demo", "--replicas", "2", "--host", HOST)
    assert made.returncode == 0, made.stdout + made.stderr
    assert f"demo is at http://{HOST}" in made.stdout
    browser = cluster.browser()

    first = repository.commit({"app.py": APP.replace("TEXT", "one")})
    pushed = repository.try_git("push", "demo", "main")
    assert pushed.returncode == 0, pushed.stderr
    assert "remote: demo-0 serves it (2 of 2)" in pushed.stderr
    until(lambda: _page(browser) == "one", "the first push is served")

    repository.commit({"app.py": "import nowhere\n" + APP}, "Break it")
    broken = repository.try_git("push", "demo", "main")
    assert broken.returncode == 1, broken.stderr
    assert broken.stderr.count("ModuleNotFoundError: No module named 'nowhere'") == 1, broken.stderr
    assert "importlib" not in broken.stderr
    assert f'or go back to {first[:10]} "Greet", which served last' in broken.stderr
    assert "the former version serves on in demo-0" in broken.stderr
    assert _page(browser) == "one"

    back = repository.immutant("rollback", "demo")
    assert back.returncode == 0, back.stdout + back.stderr
    assert _page(browser) == "one"
    history = repository.immutant("history", "demo").stdout
    (current,) = [line for line in history.splitlines() if line.startswith("*")]
    assert first[:10] in current

    repository.commit({"app.py": APP.replace("TEXT", "two")}, "Mend it")
    mended = repository.try_git("push", "demo", "main")
    assert mended.returncode == 0, mended.stderr
    until(lambda: _page(browser) == "two", "the mended version is served")

    removed = repository.immutant("delete", "demo", "--yes")
    assert removed.returncode == 0, removed.stderr
    pods = Workload(cluster, "demo", NAMESPACE)
    until(lambda: not pods.all(), "its pods are gone")


def _page(browser: Browser) -> str:
    try:
        return browser.get(HOST, "/").strip('"')
    except OSError:
        return ""
