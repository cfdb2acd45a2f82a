"""What the testbed's programs are made from: versions, modules, and a name for each result.

Belongs here: data and pure functions of it. Not here: running Go (see programs.py).
"""

import hashlib
import json
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["GO", "KUBERNETES", "RECIPES", "Recipe", "go_mod", "newer_or_same", "staging_modules"]

GO = (1, 26)
"""The oldest Go that builds all of them; helm's own modules ask for it."""

KUBERNETES = "1.35.4"

_VERSION = "k8s.io/component-base/version"
# Traefik's go.mod has these replacements; the main module alone can replace, so they are repeated.
_TRAEFIK_REPLACES = {
    "github.com/abbot/go-http-auth": "github.com/containous/go-http-auth "
    "v0.4.1-0.20200324110947-a37a7636d23e",
    "github.com/gorilla/mux": "github.com/containous/mux v0.0.0-20250523120546-41b6ec3aed59",
    "github.com/mailgun/minheap": "github.com/containous/minheap "
    "v0.0.0-20190809180810-6e71eb837595",
}
# The first process of every pod and of every node: waits for its end, and lets the kernel reap
# orphans.
_PAUSE = """package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signal.Ignore(syscall.SIGCHLD)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
"""


@dataclass(frozen=True)
class Recipe:
    """How to build the programs of one Go module.

    Attributes:
        name: What it is called in the cache.
        version: The module's version; none for a module whose source stands here.
        packages: The main packages to build.
        replaces: What the module's own go.mod replaces.
        stamps: Variables that the linker sets.
        staging: The module replaces others by folders of its own, as k8s.io/kubernetes does.
        source: The text of main.go.
    """

    name: str
    version: str
    packages: tuple[str, ...] = ()
    replaces: Mapping[str, str] = field(default_factory=dict)
    stamps: Mapping[str, str] = field(default_factory=dict)
    staging: str = ""
    source: str = ""

    @property
    def key(self) -> str:
        """The name of the result: another recipe, or another machine, has another."""
        content = json.dumps([*map(str, vars(self).values()), platform.machine()])
        return f"{self.name}-{self.version}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    @property
    def linker_flags(self) -> str:
        """The value of -ldflags."""
        return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in self.stamps.items())])


RECIPES = (
    Recipe(
        "kubernetes",
        KUBERNETES,
        tuple(
            f"k8s.io/kubernetes/cmd/{program}"
            for program in (
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kube-proxy",
                "kubelet",
                "kubectl",
            )
        ),
        stamps={
            f"{_VERSION}.gitVersion": f"v{KUBERNETES}",
            f"{_VERSION}.gitMajor": "1",
            f"{_VERSION}.gitMinor": KUBERNETES.split(".")[1],
        },
        staging="k8s.io/kubernetes",
    ),
    Recipe("coredns", "1.13.1", ("github.com/coredns/coredns",)),
    Recipe("helm", "3.22.0", ("helm.sh/helm/v3/cmd/helm",)),
    Recipe(
        "traefik",
        "3.6.0",
        ("github.com/traefik/traefik/v3/cmd/traefik",),
        replaces=_TRAEFIK_REPLACES,
    ),
    # 0.9 asks for a newer Go than GO; this one serves Kubernetes 1.31 and newer. With the modules
    # of 1.35, which are compiled already, it does not start: its API's description has other names.
    Recipe("metrics-server", "0.8.0", ("sigs.k8s.io/metrics-server/cmd/metrics-server",)),
    Recipe("pause", "1", source=_PAUSE),
)


def go_mod(recipe: Recipe, replaces: Mapping[str, str]) -> str:
    """The go.mod of the module that the programs are tools of."""
    lines = [f"module testbed/{recipe.name}", "go 1.25.0"]
    lines += [f"replace {old} => {new}" for old, new in sorted(replaces.items())]
    return "\n".join(lines) + "\n"


def staging_modules(its_go_mod: str, version: str) -> dict[str, str]:
    """The releases of what Kubernetes replaces by its staging folder: v1.35.4 has v0.35.4."""
    names = re.findall(r"^\s*(?:replace\s+)?(\S+) => \./staging/", its_go_mod, re.MULTILINE)
    return {name: f"{name} v0.{version.partition('.')[2]}" for name in names}


def newer_or_same(go_version: str, needed: tuple[int, int]) -> bool:
    """Whether what `go env GOVERSION` printed ("go1.26.1") is at least the version needed."""
    found = re.match(r"go(\d+)\.(\d+)", go_version)
    return found is not None and (int(found[1]), int(found[2])) >= needed
