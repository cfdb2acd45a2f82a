"""Where the Kubernetes API is, and as whom to speak to it.

Belongs here: the configuration of the client. Not here: requests (`client`).
"""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import ConfigException, load_kube_config
from kubernetes.aio.config.incluster_config import (
    SERVICE_CERT_FILENAME,
    SERVICE_HOST_ENV_NAME,
    SERVICE_TOKEN_FILENAME,
    InClusterConfigLoader,
)

from immutant.errors import ConfigurationError

__all__ = ["configuration"]


async def configuration(
    environ: Mapping[str, str] = os.environ,
    *,
    token_file: str = SERVICE_TOKEN_FILENAME,
    ca_file: str = SERVICE_CERT_FILENAME,
) -> Configuration:
    """The access of this process: KUBECONFIG if it is set, else that of the pod it runs in.

    A pod's token is read from its file at each request: the kubelet renews it there.

    Raises:
        ConfigurationError: There is neither; the text says what is missing.
    """
    found = Configuration()
    found.retries = None  # every attempt is the caller's own (rule 1)
    try:
        if path := environ.get("KUBECONFIG"):
            await load_kube_config(  # type: ignore[no-untyped-call]
                config_file=path, client_configuration=found
            )
        else:
            loader = InClusterConfigLoader(  # type: ignore[no-untyped-call]
                token_file, ca_file, try_refresh_token=False, environ=environ
            )
            loader.load_and_set(found)  # type: ignore[no-untyped-call]
            found.refresh_api_key_hook = partial(  # type: ignore[assignment]
                _read_token, Path(token_file)
            )
    except (ConfigException, OSError) as error:
        raise ConfigurationError(
            f"the Kubernetes API cannot be reached from here: {error} Run this in a pod with a "
            f"service account's token at {token_file} and {SERVICE_HOST_ENV_NAME} set, or set "
            "KUBECONFIG"
        ) from error
    return found


def _read_token(file: Path, found: Configuration) -> None:
    found.api_key["BearerToken"] = f"Bearer {file.read_text().strip()}"
