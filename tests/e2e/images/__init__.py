"""The project's images, built on this machine from its Dockerfiles.

Belongs here: building them, with what the machine has and without a registry. Not here: what is in
them (images/), and what is done with them.
"""

from tests.e2e.images.building import NAMES, build_all
from tests.e2e.images.sizes import Sizes, sizes

__all__ = ["NAMES", "Sizes", "build_all", "sizes"]
