"""What a process of a replica is told through its environment.

Belongs here: the variables' names, meaning and parsing, once for `immutant run` (which sets them),
`immutant serve` and the coordinator (which read them). Not here: user-facing options.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from immutant.errors import ConfigurationError

__all__ = ["Address", "Environment"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where something listens: a Unix socket (`path`) or a TCP host and port."""

    path: str = ""
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Parse `unix:/path`, `http://host:port` or `host:port`.

        Raises:
            ConfigurationError: It is none of these.
        """
        if text.startswith("unix:") and len(text) > len("unix:"):
            return cls(path=text.removeprefix("unix:"))
        host, _, port = text.removeprefix("http://").rstrip("/").rpartition(":")
        if not host or not port.isdigit():
            raise ConfigurationError(
                f"{text!r} is no address; write unix:/path/of/socket or host:port"
            )
        return cls(host=host.strip("[]"), port=int(port))

    def __str__(self) -> str:
        return f"unix:{self.path}" if self.path else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Environment:
    """One replica's surroundings, the same for its application and its coordinator.

    Attributes:
        app: The application's name (IMMUTANT_APP).
        replica: This replica's name, e.g. demo-0 (IMMUTANT_REPLICA).
        state: The folder of the embedded store (IMMUTANT_STATE).
        coordinator: Where the coordinator listens (IMMUTANT_COORDINATOR).
        listen: Where the application's web server listens (IMMUTANT_LISTEN).
        app_lock: The file that the application keeps locked while it lives (IMMUTANT_APP_LOCK).
        grace: Seconds a drain may take (IMMUTANT_GRACE, default 10).
        lifeline: A file descriptor whose end of file says that the parent is gone; None: no
            parent to outlive (IMMUTANT_LIFELINE).
    """

    app: str
    replica: str
    state: Path
    coordinator: Address
    listen: Address
    app_lock: Path
    grace: float = 10.0
    lifeline: int | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> "Environment":
        """Parse the environment.

        Raises:
            ConfigurationError: A variable is missing or malformed; the text names it.
        """

        def need(name: str) -> str:
            value = environ.get(name, "")
            if not value:
                raise ConfigurationError(
                    f"{name} is not set: `immutant serve` runs beside a coordinator that sets it; "
                    "on a laptop start the application with `immutant run` instead"
                )
            return value

        try:
            grace = float(environ.get("IMMUTANT_GRACE", "10"))
            lifeline = environ.get("IMMUTANT_LIFELINE", "")
            return cls(
                app=need("IMMUTANT_APP"),
                replica=need("IMMUTANT_REPLICA"),
                state=Path(need("IMMUTANT_STATE")),
                coordinator=Address.parse(need("IMMUTANT_COORDINATOR")),
                listen=Address.parse(need("IMMUTANT_LISTEN")),
                app_lock=Path(need("IMMUTANT_APP_LOCK")),
                grace=grace,
                lifeline=int(lifeline) if lifeline else None,
            )
        except ValueError as error:
            raise ConfigurationError(
                f"IMMUTANT_GRACE and IMMUTANT_LIFELINE must be numbers: {error}"
            ) from error

    def variables(self) -> dict[str, str]:
        """The variables that `read` turns into this."""
        return {
            "IMMUTANT_APP": self.app,
            "IMMUTANT_REPLICA": self.replica,
            "IMMUTANT_STATE": str(self.state),
            "IMMUTANT_COORDINATOR": str(self.coordinator),
            "IMMUTANT_LISTEN": str(self.listen),
            "IMMUTANT_APP_LOCK": str(self.app_lock),
            "IMMUTANT_GRACE": str(self.grace),
            "IMMUTANT_LIFELINE": "" if self.lifeline is None else str(self.lifeline),
        }
