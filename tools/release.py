"""One version for everything: the chart, the images and the tag follow `_version.py`.

    python tools/release.py set 0.1.0               # a release: chart and CHANGELOG.md too
    python tools/release.py set 0.2.0.dev0          # what comes after it
    python tools/release.py check v0.1.0            # that a tag and all files agree
    python tools/release.py registry ghcr.io/OWNER  # where a released chart has its images from
    python tools/release.py notes                   # what CHANGELOG.md says of this version

Belongs here: reading and writing versions. Not here: building (images/, pyproject.toml) and
publishing (.github/workflows/release.yml).
"""

import datetime
import re
import sys
from pathlib import Path

__all__ = ["ReleaseError", "Tree", "app_version", "chart_version"]

_VERSION = re.compile(r"(\d+\.\d+\.\d+)(?:(rc|\.dev)(\d+))?")
_WRITTEN = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
_UNRELEASED = "## [Unreleased]\n"


class ReleaseError(Exception):
    """Versions that do not fit together; the text says which."""


def chart_version(version: str) -> str:
    """As semantic versions are written, which charts and images' tags have: 0.1.0rc1 is 0.1.0-rc.1.

    Raises:
        ReleaseError: It is no version of ours.
    """
    found = _VERSION.fullmatch(version)
    if not found:
        raise ReleaseError(f"{version!r} is no version; write 1.2.3, 1.2.3rc1 or 1.2.3.dev0")
    number, kind, count = found.groups()
    return f"{number}-{kind.strip('.')}.{count}" if kind else number


def app_version(version: str) -> str:
    """The tag of the images: what `make images` builds between releases is called dev."""
    return "dev" if ".dev" in version else chart_version(version)


class Tree:
    """The files that say the version, in a checkout."""

    def __init__(self, root: Path) -> None:
        self.source = root / "runtime" / "src" / "immutant" / "_version.py"
        self.chart = root / "charts" / "immutant" / "Chart.yaml"
        self.values = root / "charts" / "immutant" / "values.yaml"
        self.changes = root / "CHANGELOG.md"

    @property
    def version(self) -> str:
        """The version, from its only source."""
        found = _WRITTEN.search(self.source.read_text())
        if not found:
            raise ReleaseError(f'{self.source} does not say __version__ = "…"')
        return found[1]

    def set(self, version: str, today: datetime.date) -> None:
        """Write a version everywhere; a release's changes get its name and date."""
        chart, app = chart_version(version), app_version(version)
        _replace(self.source, _WRITTEN.pattern, f'__version__ = "{version}"')
        _replace(self.chart, r"^version: .+$", f"version: {chart}")
        _replace(self.chart, r"^appVersion: .+$", f'appVersion: "{app}"')
        if app != "dev":
            released = f"{_UNRELEASED}\n## [{version}] - {today.isoformat()}\n"
            _replace(self.changes, f"^{re.escape(_UNRELEASED)}", released)

    def check(self, tag: str) -> None:
        """That a tag names the version, and that chart and changes have it.

        Raises:
            ReleaseError: They do not agree; the text says what to do.
        """
        version = self.version
        if tag != f"v{version}":
            raise ReleaseError(f"the tag is {tag} and the version {version}; tag v{version}")
        self.agree()
        if not self.notes():
            raise ReleaseError(f"CHANGELOG.md says nothing of {version}; write what has changed")

    def agree(self) -> None:
        """That the chart has the version.

        Raises:
            ReleaseError: It has another.
        """
        text = self.chart.read_text()
        wanted = {
            "version": chart_version(self.version),
            "appVersion": app_version(self.version),
        }
        for field, value in wanted.items():
            if not re.search(rf'^{field}: "?{re.escape(value)}"?$', text, re.MULTILINE):
                raise ReleaseError(
                    f"{field} in Chart.yaml has to be {value}; run: "
                    f"python tools/release.py set {self.version}"
                )

    def registry(self, registry: str) -> None:
        """Let the chart take its images from a registry, unless it is told another."""
        _replace(self.values, r"^  registry: localhost$", f"  registry: {registry}")

    def notes(self) -> str:
        """What has changed in this version."""
        heading = rf"^## \[{re.escape(self.version)}\][^\n]*\n(.*?)(?=^## \[|\Z)"
        found = re.search(heading, self.changes.read_text(), re.MULTILINE | re.DOTALL)
        return found[1].strip() if found else ""


def _replace(path: Path, pattern: str, text: str) -> None:
    old = path.read_text()
    new, count = re.subn(pattern, lambda _: text, old, count=1, flags=re.MULTILINE)
    if not count:
        raise ReleaseError(f"{path} has no line like {pattern}")
    path.write_text(new)


def main(arguments: list[str]) -> int:
    """Do what the command line says; the exit status."""
    tree = Tree(Path(__file__).parents[1])
    try:
        match arguments:
            case ["set", version]:
                tree.set(version, datetime.datetime.now(datetime.UTC).date())
            case ["check", tag]:
                tree.check(tag)
                print(chart_version(tree.version))
            case ["registry", registry]:
                tree.registry(registry)
            case ["notes"]:
                print(tree.notes())
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
