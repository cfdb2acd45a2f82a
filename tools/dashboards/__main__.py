"""`python -m tools.dashboards` writes dashboards and alert rules; `--check` compares them."""

import argparse
import sys
from pathlib import Path

from tools.dashboards.files import files


def main(arguments: list[str]) -> int:
    """Write or compare; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="say what differs, write nothing")
    parser.add_argument("--root", type=Path, default=Path(), help="the checkout [.]")
    options = parser.parse_args(arguments)
    wanted = files(options.root)
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    if options.check:
        for path in stale:
            print(f"{path} is not what its source says; run: make dashboards", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
