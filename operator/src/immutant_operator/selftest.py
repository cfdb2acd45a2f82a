"""`python -m immutant_operator.selftest`: whether the installation works, as `helm test` asks.

Belongs here: what is asked of a fresh installation, in the order in which it is of use, and the
sentence that says what to do. It changes nothing: apps are tried by dry runs. Not here: watching an
operator at work, for which there are its metrics.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final

from immutant_operator.api import APP_KIND, Api, ApiError, NotFoundError, connected
from immutant_operator.errors import OperatorError
from immutant_operator.leader import LEASE, LEASE_KIND
from immutant_operator.objects import Json

__all__ = ["SelfTestError", "checks", "main"]

_PATIENCE: Final = 40
"""Looks at the Lease, one a second: a leader that died without a word is replaced within 15 s, and
a fresh installation's first one has to start."""

_UNPROCESSABLE: Final = 422


class SelfTestError(OperatorError):
    """Something of the installation does not work."""


async def checks(
    api: Api,
    own: str,
    apps: str,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[str]:
    """Ask everything; a sentence for each answer that is good.

    Args:
        api: The API, by an account that may `get` the operator's Lease and `create` apps.
        own: The operator's namespace.
        apps: A namespace whose apps it looks after.
        sleep: Waits so many seconds.

    Raises:
        SelfTestError: An answer is not good.
    """
    holder = await _leader(api, own, sleep)
    yield f"an operator leads, and renews its Lease: {holder}"
    await _accepted(api, apps)
    yield f"an app is accepted in namespace {apps}"
    yield f"a wrong app is refused: {await _refused(api, apps)}"


async def _leader(api: Api, own: str, sleep: Callable[[float], Awaitable[None]]) -> str:
    """Who holds the Lease, once it was seen to be renewed.

    No clock is asked: the one here and the operator's may differ.
    """
    seen: tuple[str, str] | None = None
    for _ in range(_PATIENCE):
        spec = (await api.find(*LEASE_KIND, own, LEASE) or {}).get("spec") or {}
        holder, renewed = spec.get("holderIdentity") or "", spec.get("renewTime") or ""
        if holder and seen is not None and seen[0] == holder and seen[1] != renewed:
            return str(holder)
        seen = (holder, renewed)
        await sleep(1.0)
    raise SelfTestError(
        f"no operator leads: for {_PATIENCE} s nobody has renewed the Lease {LEASE}; "
        f"see why by: kubectl -n {own} logs -l app.kubernetes.io/name=immutant-operator"
    )


async def _accepted(api: Api, namespace: str) -> None:
    try:
        await api.create(_app(namespace, {"replicas": 2}), dry_run=True)
    except NotFoundError as error:
        raise SelfTestError(
            "the cluster has no definition of ImmutantApp; install the chart with crds.enabled=true"
        ) from error
    except ApiError as error:
        raise SelfTestError(f"an app is not accepted in namespace {namespace}: {error}") from error


async def _refused(api: Api, namespace: str) -> str:
    """What the API server says to an app that cannot be."""
    try:
        await api.create(_app(namespace, {"replicas": -1}), dry_run=True)
    except ApiError as error:
        if error.status != _UNPROCESSABLE:
            raise SelfTestError(f"a wrong app is not looked at: {error}") from error
        return str(error)
    raise SelfTestError(
        "an app with -1 replicas is accepted: the cluster's definition of ImmutantApp is not this "
        "chart's; upgrade the chart with crds.enabled=true"
    )


def _app(namespace: str, spec: Json) -> Json:
    metadata = {"generateName": "immutant-test-", "namespace": namespace}
    return {"apiVersion": APP_KIND[0], "kind": APP_KIND[1], "metadata": metadata, "spec": spec}


async def _run(environ: Mapping[str, str]) -> None:
    own = environ["IMMUTANT_OPERATOR_NAMESPACE"]
    async with connected(environ.get("KUBECONFIG") or None) as api:
        async for good in checks(api, own, environ.get("IMMUTANT_WATCH_NAMESPACE") or own):
            sys.stdout.write(f"ok: {good}\n")


def main() -> int:
    """Test the installation; the exit status."""
    try:
        asyncio.run(_run(os.environ))
    except OperatorError as error:
        sys.stderr.write(f"failed: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
