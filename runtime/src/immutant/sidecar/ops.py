"""Health and metrics, for the kubelet and Prometheus.

Belongs here: what is served to the pod's outside. Not here: the coordinator's API, which is for
this pod alone.
"""

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from immutant.coordinator.driver import Driver
from immutant.sidecar.quorum import Quorum

__all__ = ["ops_api"]


def ops_api(driver: Driver, registry: CollectorRegistry, quorum: Quorum | None = None) -> FastAPI:
    """`/livez`, `/readyz`, `/metrics`.

    Ready means that the leases have been seen once, and that the member of the grid beside it has
    been told once whose votes count. An API server that goes away later makes
    no pod unready: the application serves on, without singletons.
    """
    ops = FastAPI(openapi_url=None)

    @ops.get("/livez", response_model=None)
    async def livez() -> Response:
        return PlainTextResponse("ok")

    @ops.get("/readyz", response_model=None)
    async def readyz() -> Response:
        if not driver.listed:
            return PlainTextResponse("the leases have not been seen yet", status_code=503)
        if quorum is not None and not quorum.told:
            return PlainTextResponse("the member of the grid does not answer yet", status_code=503)
        return PlainTextResponse("ok")

    @ops.get("/metrics", response_model=None)
    async def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    return ops
