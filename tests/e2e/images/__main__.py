"""The images' command line: `python -m tests.e2e.images`.

Belongs here: arguments and what is printed. Not here: the building (building.py).
"""

import argparse
import sys
import time

from tests.e2e.images.building import build_all, clean
from tests.e2e.images.sizes import sizes
from tests.e2e.testbed import TestbedError


def main(arguments: list[str]) -> int:
    """Do what the command line says; the exit code."""
    parser = argparse.ArgumentParser(prog="images", description="Build the project's images.")
    parser.add_argument("--paths", action="store_true", help="print the archives' paths alone")
    parser.add_argument("--clean", action="store_true", help="remove all that building has kept")
    options = parser.parse_args(arguments)
    try:
        if options.clean:
            clean()
        else:
            _build(paths_only=options.paths)
    except TestbedError as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    return 0


def _build(*, paths_only: bool) -> None:
    began = time.monotonic()
    archives = build_all()
    if paths_only:
        print(*archives.values(), sep="\n")
        return
    for name, archive in archives.items():
        size = sizes(archive)
        print(
            f"immutant-{name}:dev  {size.uncompressed / 2**20:.0f} MiB, "
            f"{size.compressed / 2**20:.0f} MiB compressed  {archive}"
        )
    print(f"in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
