"""Whether the file that the entrypoint names is in a source.

Belongs here: looking, and the sentence when it is not there. Not here: where it is looked for
(`immutant.contract.entrypoints`), and importing it (`immutant.serve.loading`).
"""

from pathlib import Path

from immutant.contract.entrypoints import candidates
from immutant.errors import ConfigurationError

__all__ = ["check"]

_SHOWN = 12
"""Names of files in a sentence."""


def check(entrypoint: str, folder: Path) -> None:
    """Look for the entrypoint's file in the source, and in its folder `src`.

    Raises:
        ConfigurationError: It is not there.
    """
    wanted = candidates(entrypoint)
    if any((folder / one).is_file() for one in wanted):
        return
    names = sorted(f"{one.name}/" if one.is_dir() else one.name for one in folder.iterdir())
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "") if names else "none"
    raise ConfigurationError(
        f"the source has no {wanted[0]}, which the entrypoint {entrypoint} needs; its root has: "
        f"{shown}. Add the file or set spec.entrypoint"
    )
