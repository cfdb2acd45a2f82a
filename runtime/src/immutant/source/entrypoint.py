"""Whether the file that the entrypoint names is in a source.

Belongs here: where a module or a file is looked for, and the sentence when it is not there. Not
here: importing it (`immutant.serve.loading`).
"""

from pathlib import Path

from immutant.errors import ConfigurationError

__all__ = ["check"]

_SHOWN = 12
"""Names of files in a sentence."""


def check(entrypoint: str, folder: Path) -> None:
    """Look for the entrypoint's file in the source, and in its folder `src`.

    Raises:
        ConfigurationError: It is not there.
    """
    source = entrypoint.partition(":")[0]
    wanted = _candidates(source)
    if any((folder / one).is_file() for one in wanted):
        return
    names = sorted(f"{one.name}/" if one.is_dir() else one.name for one in folder.iterdir())
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "") if names else "none"
    raise ConfigurationError(
        f"the source has no {wanted[0]}, which the entrypoint {entrypoint} needs; its root has: "
        f"{shown}. Add the file or set spec.entrypoint"
    )


def _candidates(source: str) -> list[str]:
    if source.endswith(".py") or "/" in source:
        return [source]
    path = source.replace(".", "/")
    return [f"{root}{path}{ending}" for root in ("", "src/") for ending in (".py", "/__init__.py")]
