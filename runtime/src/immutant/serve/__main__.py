"""`python -m immutant.serve ENTRYPOINT`, and `--check ENTRYPOINT` to import it only."""

import sys

from immutant.processes import status_of
from immutant.serve.starting import check, serve


def main(arguments: list[str]) -> int:
    """Serve or check; the exit status."""
    if arguments[:1] == ["--check"]:
        return status_of(lambda: check(arguments[1]))
    return status_of(lambda: serve(arguments[0]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
