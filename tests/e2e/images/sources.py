"""Where this machine gets packages, told to a build as secrets that do not stay in the image.

Belongs here: reading the machine's settings of apt, pip and Maven. Not here: changing any.
"""

import shlex
import subprocess
import sys
from pathlib import Path

__all__ = ["CERTIFICATES", "SUITE", "apt_sources", "mirror", "secrets"]

SUITE = "bookworm"
CERTIFICATES = Path("/usr/local/share/ca-certificates")
"""Certificates that an administrator added, as Debian keeps them."""

_OFFICIAL = "http://deb.debian.org/debian"
_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_PIP = {"index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout"}


def apt_sources() -> str:
    """A sources.list of Debian's own servers: what stays in the images."""
    security = _OFFICIAL.replace("/debian", "/debian-security")
    return (
        f"deb {_OFFICIAL} {SUITE} main\n"
        f"deb {_OFFICIAL} {SUITE}-updates main\n"
        f"deb {security} {SUITE}-security main\n"
    )


def mirror() -> str:
    """The server that this machine gets the suite from; Debian's own if it gets it from none."""
    targets = (line.split()[1:3] for line in _machine_sources().splitlines())
    return next((url for url, suite in targets if suite == SUITE), _OFFICIAL)


def secrets(folder: Path) -> dict[str, Path]:
    """Write the machine's settings into that folder: files by the names that Dockerfiles know."""
    files = {
        "apt-sources": _machine_sources() or apt_sources(),
        "apt-settings": _apt_settings(),
        "pip": _pip_settings(),
    }
    found = {}
    for name, text in files.items():
        found[name] = folder / name
        found[name].write_text(text)
    maven = Path.home() / ".m2" / "settings.xml"
    return {**found, "maven": maven} if maven.exists() else found


def _machine_sources() -> str:
    """A sources.list of where this machine gets the suite; empty if it gets it from nowhere."""
    fields = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)"
    lines = _output("apt-get", "indextargets", "--format", fields, "Created-By: Packages")
    targets = [line.split() for line in lines.splitlines()]
    return "".join(
        f"deb {url} {suite} {component}\n"
        for url, suite, component, *origin in targets
        if suite.partition("-")[0] == SUITE and component == "main" and origin in ([], ["Debian"])
    )


def _apt_settings() -> str:
    """Where apt finds the sources meanwhile, and how this machine reaches its servers."""
    wanted = ("Acquire::http", "Acquire::Retries")
    lines = _output("apt-config", "dump").splitlines()
    return (
        'Dir::Etc::SourceList "/run/secrets/apt-sources";\nDir::Etc::SourceParts "/dev/null";\n'
        + "".join(f"{line}\n" for line in lines if line.startswith(wanted))
    )


def _pip_settings() -> str:
    """pip's index, from its files and environment; certificates are those of the base."""
    settings = {"cert": _BUNDLE}
    for line in _output(sys.executable, "-m", "pip", "config", "list").splitlines():
        key, _, quoted = line.partition("=")
        name = key.rpartition(".")[2]
        if name in _PIP:
            settings[name] = " ".join(shlex.split(quoted))
    return "[global]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())


def _output(*command: str) -> str:
    """What a command prints; nothing where there is no such command, or it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""
