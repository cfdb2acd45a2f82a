"""What a deployment is refused for; kubectl is a stand-in that prints an app."""

import json
import os
import sys
from pathlib import Path

import pytest

from immutant.errors import ConfigurationError
from immutant.remote.deployment import restart
from immutant.remote.kubectl import Kubectl

APP = {
    "metadata": {"name": "demo", "namespace": "shop", "uid": "1", "resourceVersion": "7"},
    "spec": {"replicas": 0},
}


def test_what_has_no_pods_is_not_restarted_and_scale_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "kubectl"
    program.write_text(f"#!{sys.executable}\nprint({json.dumps(APP)!r})\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(ConfigurationError, match="no pods to restart; immutant scale demo 2 gives"):
        restart(Kubectl(), "demo")
