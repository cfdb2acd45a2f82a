"""What others have written is printed as they wrote it, also where it looks like markup."""

import json
import os
import sys
from pathlib import Path

import pytest
import typer

from immutant.cli import living, looking, printing
from immutant.cli.options import Output, Where

FOREIGN = "[/] list[int] [red]x[/nonsense] \\[x]"
KUBECTL = """
import sys
if sys.argv[-1] == "/readyz":
    sys.exit(0)
if "pods" in sys.argv:
    print('{"items": []}')
elif "deployments" in sys.argv:
    sys.exit(FOREIGN)
else:
    print(APP)
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An app whose status has such texts, and a stand-in for kubectl that tells it."""
    status = {
        "url": f"http://demo/{FOREIGN}",
        "ready": "0/1",
        "conditions": [
            {"type": "Degraded", "status": "True", "reason": "Bad", "message": FOREIGN},
        ],
        "failing": [{"name": FOREIGN, "pod": "demo-0"}],
        "jobs": [
            {"name": "ajob", "ended": "2026-08-01T06:00:00Z", "outcome": f"TypeError: {FOREIGN}"}
        ],
    }
    metadata = {"name": "demo", "namespace": "apps", "uid": "1", "resourceVersion": "1"}
    app = json.dumps({"metadata": metadata, "status": status})
    program = tmp_path / "kubectl"
    program.write_text(f"#!{sys.executable}\nAPP, FOREIGN = {app!r}, {FOREIGN!r}\n{KUBECTL}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)


@pytest.mark.usefixtures("cluster")
def test_doctor_tells_outcomes_and_messages_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit):
        looking.doctor("demo")
    said = capsys.readouterr().out
    assert f"✗ demo: Bad: {FOREIGN}\n" in said
    assert f"✗ demo: the job ajob last ended so: TypeError: {FOREIGN}\n" in said


@pytest.mark.usefixtures("cluster")
def test_status_tells_outcomes_messages_and_what_fails_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    living.show(Where(app="demo"), Output.table, watch=False)
    said = capsys.readouterr().out
    assert f"http://demo/{FOREIGN}\n" in said
    assert f"Bad      {FOREIGN}" in said
    assert f"TypeError: {FOREIGN} " in said
    assert f"failing: {FOREIGN} in demo-0\n" in said


def test_a_backslash_before_markup_of_ours_stays_one(capsys: pytest.CaptureFixture[str]) -> None:
    printing.out(f"[red]{printing.plain('C:' + chr(92))}[/]")
    assert capsys.readouterr().out == "C:\\\n"
