"""Where the application runs, and what one types there.

Belongs here: the commands, each as it stands in a terminal. Not here: how they are shown.
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["Site", "Step"]

_DEFAULT: Final = "default"
"""The namespace that a kubeconfig means when it says nothing else."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that one can do now.

    Attributes:
        text: What the commands are for, and need.
    """

    title: str
    text: str
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """Where the application runs.

    Attributes:
        namespace: "": not in a cluster, but under `immutant run`.
    """

    name: str
    namespace: str = ""

    @property
    def word(self) -> str:
        """What one of those that serve is called."""
        return "pod" if self.namespace else "replica"

    def steps(self, count: int) -> tuple[Step, ...]:
        """What to do next, where so many serve."""
        return self._in_a_cluster(count) if self.namespace else self._on_a_laptop(count)

    def kept(self, count: int) -> str:
        """What becomes of the numbers when one of so many goes."""
        if not self.namespace:
            return "Both are in a file that the replicas share: any of them may go."
        if count == 1:
            return "Both are in this pod's memory, and go with it until there is a second pod."
        return "Both are in the pods' memory, in two copies unless `cache.owners` says otherwise."

    def _in_a_cluster(self, count: int) -> tuple[Step, ...]:
        name = self.name
        url, there = f"immutant://{self.namespace}/{name}", f" -n {self.namespace}"
        if self.namespace == _DEFAULT:
            url, there = f"immutant://{name}", ""
        return (
            Step(
                "Give it your code",
                f"In a git repository with an app.py; `immutant new {name}` makes one.",
                (f"git remote add {name} {url}", f"git push {name} main"),
            ),
            Step(
                f"Give it {_one_more(count)} pod",
                "It appears above as soon as it serves.",
                (f"kubectl scale immutantapp {name} --replicas={max(1, count) + 1}{there}",),
            ),
            Step(
                "Take a pod away",
                "Others go on with the page and its numbers, and it comes back.",
                (f"kubectl delete pod {name}-0{there}",),
            ),
        )

    def _on_a_laptop(self, count: int) -> tuple[Step, ...]:
        name = self.name
        return (
            Step(
                "Give it your code",
                "In another folder than that of this run.",
                (f"immutant new {name}", f"cd {name}", "immutant run app.py --port 8081"),
            ),
            Step(
                f"Give it {_one_more(count)} replica",
                "It appears above as soon as it serves.",
                (f"immutant scale {max(1, count) + 1}",),
            ),
            Step(
                "Take a replica away",
                "Others go on with the page and its numbers; `immutant start` brings it back.",
                (f"immutant stop {name}-0",),
            ),
        )


def _one_more(count: int) -> str:
    return "another" if count > 1 else "a second"
