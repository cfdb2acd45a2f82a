"""What a pod's first containers do, one after the other, until the application can be imported."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.source.remote import Http, Repository, by_http
from tests.unit.source.packing import wheel

from immutant.contract.sourcing import GitCommit, Order
from immutant.processes import EX_CONFIG, EX_SOFTWARE
from immutant.source import __main__ as program

APP = "import till\nfrom immutant import App\n\napp = App('shop')\n"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Repository, Http]]:
    repository = Repository(tmp_path)
    with by_http(repository.bare.parent) as http:
        yield repository, http


def told(monkeypatch: pytest.MonkeyPatch, url: str, commit: str, entrypoint: str) -> None:
    order = Order(GitCommit(url, commit, "main"), entrypoint)
    for name, value in order.variables().items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("file", "entrypoint"), [("app.py", "app:app"), ("src/shop/main.py", "shop.main:app")]
)
def test_an_application_is_fetched_with_what_it_requires_and_can_be_imported(
    served: tuple[Repository, Http],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    entrypoint: str,
) -> None:
    repository, http = served
    repository.push({file: APP, "requirements.txt": "till\n"})
    wheel(tmp_path / "work" / "wheels", "till", "2.1")
    commit = repository.commit_all()
    workshop = tmp_path / "workshop"
    told(monkeypatch, http.url, commit, entrypoint)
    for command in ("fetch", "install", "fetch", "install"):
        assert program.main([command], workshop) == 0
    folders = (workshop / "packages" / "site", workshop / "app" / "src", *map(Path, sys.path))
    path = ":".join(str(one) for one in folders)
    checked = subprocess.run(
        [sys.executable, "-m", "immutant.serve", "--check", entrypoint],
        cwd=workshop / "app",
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_what_fails_ends_in_one_sentence_for_the_pods_status(
    served: tuple[Repository, Http],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    repository, http = served
    log = tmp_path / "termination-log"
    log.touch()
    monkeypatch.setattr(program, "_LAST_WORDS", log)
    told(monkeypatch, http.url, repository.push({"app.py": APP}), "main:app")
    assert program.main(["fetch"], tmp_path / "workshop") == EX_CONFIG
    assert log.read_text().startswith("the source has no main.py, which the entrypoint main:app")
    assert capsys.readouterr().err == f"immutant: {log.read_text()}\n"
    http.broken = 503
    assert program.main(["fetch"], tmp_path / "workshop") == EX_SOFTWARE
    assert "does not answer as git" in log.read_text()
