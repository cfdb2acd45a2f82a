"""What a deployment is refused for; kubectl is a stand-in that prints an app."""

import json
import os
from pathlib import Path

import pytest
from tests.standins import kubectl

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
    programs = kubectl(tmp_path, f"print({json.dumps(APP)!r})\n")
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    with pytest.raises(ConfigurationError, match="no pods to restart; immutant scale demo 2 gives"):
        restart(Kubectl(), "demo")
