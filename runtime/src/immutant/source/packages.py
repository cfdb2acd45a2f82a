"""Installing what a source requires, beside it: once for each pod, by pip.

pip works in a virtual environment that sees the image's packages too: what is there already is not
installed again. Belongs here: that environment, running pip, and its errors as sentences. Not here:
what is required (`requirements`), and what must stay as it is (`own`).
"""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from immutant.errors import ConfigurationError
from immutant.source.own import pins
from immutant.source.requirements import Requirements
from immutant.source.tree import clear

__all__ = ["SITE", "install"]

SITE: Final = "site"
"""Below the folder of packages: where Python finds them, whatever its version."""

_LONGEST: Final = 380
"""Characters of pip's own words that a condition has room for."""

_SETTLED: Final = ("PIP_REQUIRE_VIRTUALENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_ROOT")
"""Settings of pip's that say where it installs: that is decided here."""


def install(source: Path, folder: Path, environ: Mapping[str, str] = os.environ) -> bool:
    """Install what a source requires into a folder, unless it is there already.

    The folder appears once all is in it.

    Returns:
        Whether something was installed now.

    Raises:
        ConfigurationError: It cannot be installed; the text says why.
    """
    if folder.exists():
        return False
    building = folder.with_name(f"{folder.name}.new")
    clear(building)
    required = Requirements.of(source, environ)
    if required is None:
        (building / SITE).mkdir(parents=True)
    else:
        _make_environment(building)
        _run_pip(required, source, building, environ)
    building.rename(folder)
    return required is not None


def _make_environment(folder: Path) -> None:
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    (folder / SITE).symlink_to(site.relative_to(folder))
    image = [one for one in sys.path if one.endswith(("site-packages", "dist-packages"))]
    (site / "image.pth").write_text("".join(f"{one}\n" for one in image))


def _run_pip(
    required: Requirements, source: Path, folder: Path, environ: Mapping[str, str]
) -> None:
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(f"{pin}\n" for pin in pins()))
    command = [
        *(sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")),
        *("install", "--no-input", "--no-cache-dir", "--disable-pip-version-check"),
        *("--progress-bar", "off", "--no-warn-script-location"),
        *("--constraint", str(constraints), *required.options),
    ]
    settings = {name: value for name, value in environ.items() if name not in _SETTLED}
    ended = subprocess.run(  # noqa: S603 - what is installed is the user's own choice
        command,
        cwd=source,
        env=settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    sys.stdout.write(ended.stdout)
    sys.stdout.flush()
    if ended.returncode != 0:
        raise ConfigurationError(_sentence(required, ended.stdout))


_UNREACHED: Final = re.compile(r"^WARNING: Retrying .* after connection broken by ", re.MULTILINE)
_PINNED: Final = re.compile(r"^\s+The user requested \(constraint\) (.*)$", re.MULTILINE)
_AGAINST: Final = re.compile(r"The conflict is caused by:\s+(.*)$", re.MULTILINE)


def _sentence(required: Requirements, output: str) -> str:
    """Why pip failed, from its own words."""
    pinned, against = _PINNED.search(output), _AGAINST.search(output)
    if pinned is not None and against is not None:
        who = against[1].replace("The user requested", f"{required.file} asks for")
        return (
            f"{required.file} cannot be installed: {who}, but Immutant itself needs {pinned[1]} "
            "here; ask for one that goes with it, or build an image (spec.image)"
        )
    said = " / ".join(_errors(output.splitlines()))
    if "--no-index" in required.options:
        hint = "put what is missing into `wheels`, or name an index: env PIP_INDEX_URL"
    elif _UNREACHED.search(output):
        hint = "the index was not reached: name one that is, env PIP_INDEX_URL"
    else:
        hint = "mend it, or name the index that has it: env PIP_INDEX_URL"
    return f"{required.file} cannot be installed; {hint}. pip says: {said[:_LONGEST]}"


def _errors(lines: Iterable[str]) -> list[str]:
    """Pip's errors, each once; what it says of its tries and of itself is left out."""
    found = (line.removeprefix("ERROR: ").strip() for line in lines if line.startswith("ERROR:"))
    return list(dict.fromkeys(found)) or ["nothing; see the container's log"]
