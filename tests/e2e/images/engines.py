"""The programs that build images: buildah, else docker.

Belongs here: their command lines. Not here: what is built, and when.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tests.e2e.testbed import TestbedError
from tests.e2e.testbed.machine import install

__all__ = ["Engine", "engine"]


class Engine(Protocol):
    """What builds images."""

    def build(
        self,
        dockerfile: Path,
        context: Path,
        tag: str,
        arguments: Mapping[str, str],
        secrets: Mapping[str, Path],
    ) -> None:
        """Build an image from a Dockerfile.

        Raises:
            TestbedError: It failed; the text has the build's last lines.
        """

    def has(self, tag: str) -> bool:
        """Whether there is an image of this name."""

    def save(self, tag: str, archive: Path) -> None:
        """Write an image as a docker-archive."""


def engine(folder: Path) -> Engine:
    """The engine of this machine; what it keeps is kept in that folder if that can be chosen.

    Raises:
        TestbedError: There is none, and none can be installed.
    """
    if os.geteuid() == 0 and (shutil.which("buildah") or shutil.which("apt-get")):
        if not shutil.which("buildah"):
            install(["buildah"])
        return Buildah(folder)
    if shutil.which("docker") and _succeeds("docker", "info"):
        return Docker()
    raise TestbedError(
        "images are built by buildah as root, or by docker; install one of them, "
        "or set KUBECONFIG to use a cluster that has the images"
    )


class Buildah:
    """buildah with storage of its own, so that nothing of the user's is touched.

    Steps run in a chroot, which needs no container runtime. They share the machine's network.
    """

    def __init__(self, folder: Path) -> None:
        for name in ("storage", "run", "tmp"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        # Debian's buildah only recommends the package that has a policy.
        self._policy = folder / "policy.json"
        self._policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self._temporary = folder / "tmp"
        self._options = (
            *("--root", str(folder / "storage"), "--runroot", str(folder / "run")),
            *("--storage-driver", "overlay"),
        )
        # What an interrupted build left: its containers, their mounts, its temporary files.
        self._run("rm", "--all")
        for left in self._temporary.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()

    def build(
        self,
        dockerfile: Path,
        context: Path,
        tag: str,
        arguments: Mapping[str, str],
        secrets: Mapping[str, Path],
    ) -> None:
        self._run(
            *("build", "--isolation", "chroot", "--layers", "--format", "docker"),
            *("--signature-policy", str(self._policy)),
            *_build_options(dockerfile, tag, arguments, secrets),
            str(context),
        )

    def has(self, tag: str) -> bool:
        return _succeeds("buildah", *self._options, "inspect", "--type", "image", tag)

    def save(self, tag: str, archive: Path) -> None:
        policy = ("--signature-policy", str(self._policy))
        self._run("push", "--quiet", *policy, tag, f"docker-archive:{archive}:{tag}")

    def _run(self, verb: str, *arguments: str) -> None:
        _run("buildah", *self._options, verb, *arguments, TMPDIR=str(self._temporary))


class Docker:
    """docker, with the user's daemon."""

    def build(
        self,
        dockerfile: Path,
        context: Path,
        tag: str,
        arguments: Mapping[str, str],
        secrets: Mapping[str, Path],
    ) -> None:
        options = _build_options(dockerfile, tag, arguments, secrets)
        _run("docker", "build", *options, str(context), DOCKER_BUILDKIT="1")

    def has(self, tag: str) -> bool:
        return _succeeds("docker", "image", "inspect", tag)

    def save(self, tag: str, archive: Path) -> None:
        _run("docker", "save", "--output", str(archive), tag)


def _build_options(
    dockerfile: Path, tag: str, arguments: Mapping[str, str], secrets: Mapping[str, Path]
) -> list[str]:
    return [
        *("--file", str(dockerfile), "--tag", tag),
        *(f"--build-arg={name}={value}" for name, value in arguments.items()),
        *(f"--secret=id={name},src={path}" for name, path in secrets.items()),
    ]


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _run(*command: str, **environ: str) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = "\n".join(done.stdout.splitlines()[-30:])
        raise TestbedError(f"`{' '.join(command)}` failed:\n{lines}")
