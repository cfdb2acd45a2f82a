from pathlib import Path

import pytest

from immutant.errors import ConfigurationError
from immutant.kube.access import configuration

POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "token").write_text("first")
    (tmp_path / "ca.crt").write_text("a certificate")
    return {"token_file": str(tmp_path / "token"), "ca_file": str(tmp_path / "ca.crt")}


async def test_a_pod_speaks_as_its_service_account(files: dict[str, str]) -> None:
    found = await configuration(POD, **files)
    assert found.host == "https://10.0.0.1:443"
    assert found.retries is None
    assert (await found.get_api_key_with_prefix("BearerToken")) == "Bearer first"


async def test_a_token_that_was_renewed_is_read_again(
    files: dict[str, str], tmp_path: Path
) -> None:
    found = await configuration(POD, **files)
    (tmp_path / "token").write_text("second\n")
    assert (await found.get_api_key_with_prefix("BearerToken")) == "Bearer second"


async def test_where_there_is_no_api_it_says_what_is_missing(files: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"Service host/port is not set.*KUBECONFIG"):
        await configuration({}, **files)
    with pytest.raises(ConfigurationError, match="token file does not exist"):
        await configuration(POD, token_file="/absent", ca_file=files["ca_file"])
