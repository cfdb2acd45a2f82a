"""The coordinator's API as FastAPI serves it: the same calls, described at `/openapi.json`."""

from typing import Any

from fastapi import FastAPI

from immutant._version import __version__
from immutant.coordinator.api import REFUSALS, calls
from immutant.coordinator.driver import Driver
from immutant.coordinator.vigil import Vigil
from immutant.sidecar.description import DESCRIPTIONS

__all__ = ["sidecar_api"]


def sidecar_api(driver: Driver, vigil: Vigil) -> FastAPI:
    """The ASGI application in front of a driver; for this pod alone, so on loopback."""
    api = FastAPI(
        title="Immutant coordinator",
        version=__version__,
        docs_url=None,  # these pages would load scripts from elsewhere
        redoc_url=None,
        exception_handlers=REFUSALS,
    )
    for call in calls(driver, vigil):
        options: dict[str, Any] = DESCRIPTIONS[call.path].options(call.path)
        api.add_api_route(
            call.path, call.answer, methods=[call.method], response_model=None, **options
        )
    return api
