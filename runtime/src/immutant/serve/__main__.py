"""`python -m immutant.serve ENTRYPOINT`, and `--check ENTRYPOINT` to import it only."""

import sys

from immutant.errors import ConfigurationError
from immutant.processes import EX_CONFIG, say
from immutant.serve.starting import check, serve


def main(arguments: list[str]) -> int:
    """Serve or check; the exit status."""
    try:
        if arguments[:1] == ["--check"]:
            return check(arguments[1])
        return serve(arguments[0])
    except ConfigurationError as error:
        say(str(error))
        return EX_CONFIG


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
