"""The options that commands share.

Belongs here: their names, help texts and defaults, and what they say together: which world a
command acts in. Not here: any command.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from immutant.remote.kubectl import Kubectl

__all__ = [
    "DEFAULT_STATE",
    "AppArgument",
    "AppOption",
    "ContextOption",
    "KubeconfigOption",
    "NamespaceOption",
    "Output",
    "OutputOption",
    "StateOption",
    "Where",
    "one_app",
]

StateOption = Annotated[
    Path,
    typer.Option("--state", metavar="DIR", help="State folder of the `immutant run` to talk to."),
]
AppArgument = Annotated[
    str,
    typer.Argument(
        metavar="[APP]",
        help="An app in the cluster  [default: the run of this folder, or the only one]",
        show_default=False,
    ),
]
AppOption = Annotated[
    str,
    typer.Option("--app", "-a", metavar="NAME", help="The app in the cluster  [default: the only]"),
]
NamespaceOption = Annotated[
    str,
    typer.Option(
        "--namespace", "-n", metavar="NAME", help="Namespace in the cluster  [default: kubectl's]"
    ),
]
ContextOption = Annotated[
    str, typer.Option("--context", metavar="NAME", help="The kubeconfig's context.")
]
KubeconfigOption = Annotated[
    str, typer.Option("--kubeconfig", metavar="FILE", help="The kubeconfig itself.")
]
DEFAULT_STATE = Path(".immutant")


class Output(StrEnum):
    """How a listing is printed."""

    table = "table"
    json = "json"
    yaml = "yaml"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="Format.")]


def one_app(argument: str, option: str) -> str:
    """The app that was named, as an argument or by --app; "": neither.

    Raises:
        typer.BadParameter: The two differ.
    """
    if argument and option and argument != option:
        raise typer.BadParameter(f"name one app: {argument}, or --app {option}")
    return argument or option


@dataclass(frozen=True, slots=True)
class Where:
    """What was typed of where a command is to act.

    Attributes:
        state: The state folder of an `immutant run` on this machine; None: the command is about
            clusters alone.
        app: The app's name; "": none was named.
        namespace: As typed; "": not.
        context: As typed; "": not.
        kubeconfig: As typed; "": not.
    """

    state: Path | None = None
    app: str = ""
    namespace: str = ""
    context: str = ""
    kubeconfig: str = ""

    @property
    def is_here(self) -> bool:
        """Whether it acts on the `immutant run` of the state folder, and not on a cluster.

        It does when one runs there, unless an app or anything of a cluster was named.
        """
        if self.state is None or self._names_a_cluster:
            return False
        from immutant.run.client import runs

        return self.state != DEFAULT_STATE or runs(self.state)

    @property
    def run(self) -> Path:
        """The state folder of the `immutant run` that is meant, where it `is_here`."""
        assert self.state is not None
        return self.state

    @property
    def kubectl(self) -> "Kubectl":
        """The cluster and namespace that were named, or kubectl's own."""
        from immutant.remote.kubectl import Kubectl

        or_here = self.state is not None and not self._names_a_cluster
        return Kubectl(self.namespace, self.context, self.kubeconfig, or_here)

    @property
    def _names_a_cluster(self) -> bool:
        return bool(self.app or self.namespace or self.context or self.kubeconfig)
