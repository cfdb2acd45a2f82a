"""Beginning to trace, where somebody asks for it.

Belongs here: the decision, and that nothing about traces keeps an application from running. Not
here: anything that needs OpenTelemetry, which is loaded only when the decision is made.
"""

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from immutant.telemetry import asked
from immutant.tracing import OFF, Tracer
from immutant.webside import Application
from immutant.wording import worded

__all__ = ["Identity", "Telemetry", "start"]

_log = logging.getLogger("immutant.telemetry")


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose traces they are.

    Attributes:
        app: The application's name.
        replica: The replica's, in a cluster the pod's.
        namespace: The pod's namespace; "" where there is none.
    """

    app: str
    replica: str
    namespace: str = ""


class Telemetry(Protocol):
    """What traces one process.

    Attributes:
        tracer: Who is told of messages and jobs.
    """

    @property
    def tracer(self) -> Tracer: ...

    def serving(self, application: Application) -> Application:
        """The application, its requests and WebSockets traced."""

    async def close(self, limit: float) -> None:
        """Send what is not sent yet, for so many seconds at most."""


class _Off:
    tracer: Final = OFF

    def serving(self, application: Application) -> Application:
        return application

    async def close(self, limit: float) -> None: ...


def start(identity: Identity, environ: Mapping[str, str] = os.environ) -> Telemetry:
    """Trace if the environment asks for it, or if the user's code has set a tracer provider up.

    Call it when that code is imported. What goes wrong is said once, and nothing is traced then.
    """
    names = () if asked.is_disabled(environ) else asked.exporters(environ)
    is_loaded = "opentelemetry.trace" in sys.modules and not asked.is_disabled(environ)
    if not names and not is_loaded:
        return _Off()
    try:
        from immutant.telemetry.provider import provide

        return provide(identity, names) or _Off()
    except ModuleNotFoundError as error:
        _log.warning(
            "%s asks for traces, but %s is not installed: add immutant[tracing] to the "
            "application's requirements; it runs on without traces",
            asked.why(environ),
            error.name,
        )
    except Exception as error:  # traces are never a reason not to run
        _log.warning(
            "%s asks for traces, but they cannot be made: %s; the application runs on without",
            asked.why(environ) or "the application's code",
            worded(error),
        )
    return _Off()
