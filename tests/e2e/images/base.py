"""The base of all images where no registry is reached: Debian by debootstrap.

Belongs here: making it. Not here: the images on it.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.e2e.images import sources
from tests.e2e.images.context import dockerfile
from tests.e2e.images.engines import Engine
from tests.e2e.testbed import TestbedError
from tests.e2e.testbed.machine import install

__all__ = ["base_tag", "make_base"]

_PACKAGES = "ca-certificates"
"""Beside Debian's smallest variant."""


def base_tag() -> str:
    """The base's name, which tells what it is made of."""
    digest = hashlib.sha256(dockerfile("base").read_bytes())
    digest.update(f"{sources.apt_sources()}\0{_PACKAGES}\0{os.uname().machine}".encode())
    for certificate in _certificates():
        digest.update(certificate.read_bytes())
    return f"localhost/immutant-base:{digest.hexdigest()[:16]}"


def make_base(engine: Engine, folder: Path) -> str:
    """The base's name, once the engine has it.

    Args:
        engine: What builds it.
        folder: Where debootstrap's result is kept.

    Raises:
        TestbedError: This machine cannot make it.
    """
    tag = base_tag()
    if engine.has(tag):
        return tag
    with tempfile.TemporaryDirectory(dir=folder, prefix="unfinished-") as temporary:
        context = Path(temporary)
        shutil.copy2(_debootstrapped(folder), context / "root.tar")
        (context / "sources.list").write_text(sources.apt_sources())
        (context / "certificates").mkdir()
        for certificate in _certificates():
            shutil.copy2(certificate, context / "certificates")
        with tempfile.TemporaryDirectory(dir=folder, prefix="unfinished-") as told:
            secrets = sources.secrets(Path(told))
            engine.build(dockerfile("base"), context, tag, {}, secrets)
    return tag


def _certificates() -> list[Path]:
    return sorted(sources.CERTIFICATES.rglob("*.crt"))


def _debootstrapped(folder: Path) -> Path:
    """A tar of the smallest Debian, made once."""
    made = folder / f"debian-{sources.SUITE}.tar"
    if made.exists():
        return made
    if os.geteuid() != 0:
        raise TestbedError(
            "debootstrap, which makes the images' base, needs root; run this with sudo, or name "
            "a base by BASE, such as BASE=debian:12-slim where a registry is reached"
        )
    if not shutil.which("debootstrap"):
        install(["debootstrap", "debian-archive-keyring"])
    with tempfile.TemporaryDirectory(dir=folder, prefix="unfinished-") as temporary:
        root = Path(temporary) / "root"
        options = ("--variant=minbase", f"--include={_PACKAGES}")
        _run("debootstrap", *options, sources.SUITE, str(root), sources.mirror())
        shutil.rmtree(root / "var/cache/apt/archives")
        _run("tar", "-C", str(root), "--exclude=./dev/*", "-cf", f"{temporary}/root.tar", ".")
        Path(f"{temporary}/root.tar").rename(made)
    return made


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TestbedError(f"`{' '.join(command)}` failed:\n{done.stdout[-2000:]}{done.stderr}")
