"""Which images the pods run.

Belongs here: the three images and how they are pulled, as the operator is told by its settings.
"""

from dataclasses import dataclass

__all__ = ["Images"]


@dataclass(frozen=True, slots=True)
class Images:
    """The project's images.

    Attributes:
        runtime: For the app and the sidecar.
        member: For the grid member.
        router: For the router.
        pull_policy: IfNotPresent, Always or Never, for these three.
    """

    runtime: str
    member: str
    router: str
    pull_policy: str = "IfNotPresent"
