"""What a process of a replica is told through its environment.

Belongs here: the variables' names, meaning and parsing, once for those who set them (`immutant
run`, the operator) and those who read them (`immutant serve`, the coordinator, the sidecar). Not
here: user-facing options.
"""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from immutant.contract.timings import Timings
from immutant.errors import ConfigurationError

__all__ = ["Address", "Environment", "Grid", "PodEnvironment"]


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
class Grid:
    """Where the data grid is, for its clients.

    Attributes:
        cluster: The grid's name (IMMUTANT_GRID).
        members: Where to find members, the nearest first (IMMUTANT_GRID_MEMBERS, by commas).
        topology: Where the member beside this process tells who owns what
            (IMMUTANT_GRID_TOPOLOGY).
    """

    cluster: str
    members: tuple[Address, ...]
    topology: Address

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> "Grid":
        """Parse the environment.

        Raises:
            ConfigurationError: A variable is missing or malformed; the text names it.
        """
        members = _need(environ, "IMMUTANT_GRID_MEMBERS").split(",")
        return cls(
            cluster=_need(environ, "IMMUTANT_GRID"),
            members=tuple(Address.parse(member.strip()) for member in members),
            topology=Address.parse(_need(environ, "IMMUTANT_GRID_TOPOLOGY")),
        )

    def variables(self) -> dict[str, str]:
        """The variables that `read` turns into this."""
        return {
            "IMMUTANT_GRID": self.cluster,
            "IMMUTANT_GRID_MEMBERS": ",".join(map(str, self.members)),
            "IMMUTANT_GRID_TOPOLOGY": str(self.topology),
        }


@dataclass(frozen=True, slots=True)
class Environment:
    """One replica's surroundings, the same for its application and its coordinator.

    Attributes:
        app: The application's name (IMMUTANT_APP).
        replica: This replica's name, e.g. demo-0 (IMMUTANT_REPLICA).
        state: What keeps the data: the folder of the embedded store (IMMUTANT_STATE), or the
            data grid where IMMUTANT_GRID is set.
        coordinator: Where the coordinator listens (IMMUTANT_COORDINATOR).
        listen: Where the application's web server listens (IMMUTANT_LISTEN).
        app_lock: The file that the application keeps locked while it lives (IMMUTANT_APP_LOCK).
        grace: Seconds a drain may take (IMMUTANT_GRACE, default 10).
        shutdown_delay: Seconds of them in which the application goes on to take requests, until
            whoever sends them has noticed that it leaves; 0 where it is taken out of rotation
            before it is told to end (IMMUTANT_SHUTDOWN_DELAY, default 0).
        namespace: The pod's namespace (IMMUTANT_NAMESPACE); "" where there is none.
        lifeline: A file descriptor whose end of file says that the parent is gone; None: no
            parent to outlive (IMMUTANT_LIFELINE).
        timings: The election's timings (IMMUTANT_LEASE_DURATION, IMMUTANT_RENEW_DEADLINE and
            IMMUTANT_RENEW_PERIOD, in seconds; by default those of `Timings`).
        console: The socket at which the application answers who looks into it; None: it does not
            (IMMUTANT_CONSOLE).
        repl: Whether there it also runs what is typed (IMMUTANT_REPL, 1 or nothing).
    """

    app: str
    replica: str
    state: Path | Grid
    coordinator: Address
    listen: Address
    app_lock: Path
    grace: float = 10.0
    shutdown_delay: float = 0.0
    namespace: str = ""
    lifeline: int | None = None
    timings: Timings = dataclasses.field(default_factory=Timings)
    console: Path | None = None
    repl: bool = False

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> "Environment":
        """Parse the environment.

        Raises:
            ConfigurationError: A variable is missing or malformed; the text names it.
        """
        return cls(
            app=_need(environ, "IMMUTANT_APP"),
            replica=_need(environ, "IMMUTANT_REPLICA"),
            state=_state(environ),
            coordinator=Address.parse(_need(environ, "IMMUTANT_COORDINATOR")),
            listen=Address.parse(_need(environ, "IMMUTANT_LISTEN")),
            app_lock=Path(_need(environ, "IMMUTANT_APP_LOCK")),
            grace=_number(environ, "IMMUTANT_GRACE", 10.0),
            shutdown_delay=_number(environ, "IMMUTANT_SHUTDOWN_DELAY", 0.0),
            namespace=environ.get("IMMUTANT_NAMESPACE", ""),
            lifeline=_whole(environ, "IMMUTANT_LIFELINE"),
            timings=_timings(environ),
            console=Path(console) if (console := environ.get("IMMUTANT_CONSOLE")) else None,
            repl=environ.get("IMMUTANT_REPL", "") == "1",
        )

    def variables(self) -> dict[str, str]:
        """The variables that `read` turns into this."""
        state = self.state
        return {
            "IMMUTANT_APP": self.app,
            "IMMUTANT_REPLICA": self.replica,
            **(state.variables() if isinstance(state, Grid) else {"IMMUTANT_STATE": str(state)}),
            "IMMUTANT_COORDINATOR": str(self.coordinator),
            "IMMUTANT_LISTEN": str(self.listen),
            "IMMUTANT_APP_LOCK": str(self.app_lock),
            "IMMUTANT_GRACE": str(self.grace),
            "IMMUTANT_SHUTDOWN_DELAY": str(self.shutdown_delay),
            "IMMUTANT_NAMESPACE": self.namespace,
            "IMMUTANT_LIFELINE": "" if self.lifeline is None else str(self.lifeline),
            "IMMUTANT_LEASE_DURATION": str(self.timings.lease_duration),
            "IMMUTANT_RENEW_DEADLINE": str(self.timings.renew_deadline),
            "IMMUTANT_RENEW_PERIOD": str(self.timings.renew_period),
            "IMMUTANT_CONSOLE": str(self.console or ""),
            "IMMUTANT_REPL": "1" if self.repl else "",
        }


@dataclass(frozen=True, slots=True)
class PodEnvironment:
    """What the sidecar is told beside `Environment`, of the pod that it is in.

    Attributes:
        namespace: The pod's namespace (IMMUTANT_NAMESPACE).
        app_uid: The ImmutantApp's UID (IMMUTANT_APP_UID).
        pod_uid: The pod's UID (IMMUTANT_POD_UID).
        ops: Where health and metrics are served (IMMUTANT_OPS).
        epoch: What fencing tokens begin with; raised after etcd was restored from a backup
            (IMMUTANT_EPOCH, default 0).
        zone: The zone that the pod's node is in (IMMUTANT_ZONE); "" where that is not known.
    """

    namespace: str
    app_uid: str
    pod_uid: str
    ops: Address
    epoch: int = 0
    zone: str = ""

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> "PodEnvironment":
        """Parse the environment.

        Raises:
            ConfigurationError: A variable is missing or malformed; the text names it.
        """
        return cls(
            namespace=_need(environ, "IMMUTANT_NAMESPACE"),
            app_uid=_need(environ, "IMMUTANT_APP_UID"),
            pod_uid=_need(environ, "IMMUTANT_POD_UID"),
            ops=Address.parse(_need(environ, "IMMUTANT_OPS")),
            epoch=_whole(environ, "IMMUTANT_EPOCH") or 0,
            zone=environ.get("IMMUTANT_ZONE", ""),
        )

    def variables(self) -> dict[str, str]:
        """The variables that `read` turns into this."""
        return {
            "IMMUTANT_NAMESPACE": self.namespace,
            "IMMUTANT_APP_UID": self.app_uid,
            "IMMUTANT_POD_UID": self.pod_uid,
            "IMMUTANT_OPS": str(self.ops),
            "IMMUTANT_EPOCH": str(self.epoch),
            "IMMUTANT_ZONE": self.zone,
        }


def _state(environ: Mapping[str, str]) -> Path | Grid:
    if environ.get("IMMUTANT_GRID"):
        return Grid.read(environ)
    return Path(_need(environ, "IMMUTANT_STATE"))


def _timings(environ: Mapping[str, str]) -> Timings:
    default = Timings()
    return Timings.fitting(
        _number(environ, "IMMUTANT_LEASE_DURATION", default.lease_duration),
        _number(environ, "IMMUTANT_RENEW_DEADLINE", default.renew_deadline),
        _number(environ, "IMMUTANT_RENEW_PERIOD", default.renew_period),
    )


def _need(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise ConfigurationError(
            f"{name} is not set: `immutant serve` runs beside a coordinator, and whoever starts "
            "the two sets it; on a laptop start the application with `immutant run` instead"
        )
    return value


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "")
    try:
        return float(text) if text else default
    except ValueError as error:
        raise ConfigurationError(f"{name} must be a number, not {text!r}") from error


def _whole(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name, "")
    if text and not text.isdigit():
        raise ConfigurationError(f"{name} must be a whole number, not {text!r}")
    return int(text) if text else None
