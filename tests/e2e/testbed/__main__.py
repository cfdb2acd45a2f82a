"""The testbed's command line: `python -m tests.e2e.testbed VERB`.

Belongs here: arguments and exit codes. Not here: what the verbs do (cluster.py).
"""

import argparse
import sys
import time
from pathlib import Path

from tests.e2e.testbed import Testbed, TestbedError

_PASSED_ON = {"kubectl": "kubectl as the administrator", "exec": "a program, inside its network"}
_ON_NODES = {
    "cut": "take node N off the network",
    "heal": "bring node N back to the network",
    "crash": "take node N's power away",
    "restart": "give node N power again",
}


def main(arguments: list[str]) -> int:
    """Do what the command line says; the exit code."""
    testbed = Testbed()
    try:
        if arguments[:1] == ["exec"] and len(arguments) > 1:
            testbed.exec(arguments[1:])
        if arguments[:1] == ["kubectl"]:
            testbed.exec(arguments)
        _do(testbed, _parser().parse_args(arguments))
    except TestbedError as error:
        print(f"testbed: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="testbed", description="Three nodes on this machine.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("build", help="build the programs, once")
    up = verbs.add_parser("up", help="raise it anew, with the images of docker-archives")
    up.add_argument("archives", nargs="*", type=Path, metavar="FILE.tar")
    verbs.add_parser("down", help="remove it")
    verbs.add_parser("status", help="say what there is")
    verbs.add_parser("meter", help="start metrics-server, for `kubectl top` and autoscalers")
    load = verbs.add_parser("load", help="put docker-archives on every node")
    load.add_argument("archives", nargs="+", type=Path, metavar="FILE.tar")
    for verb, what in _ON_NODES.items():
        verbs.add_parser(verb, help=what).add_argument("number", type=int, metavar="N")
    for verb, what in _PASSED_ON.items():
        verbs.add_parser(verb, help=what).add_argument("arguments", nargs="+", metavar="…")
    return parser


def _do(testbed: Testbed, asked: argparse.Namespace) -> None:
    begin = time.monotonic()
    if asked.verb == "status":
        print(testbed.status())
        return
    if asked.verb in ("up", "load"):
        getattr(testbed, asked.verb)(*asked.archives)
    elif asked.verb in _ON_NODES:
        getattr(testbed, asked.verb)(asked.number)
    else:
        getattr(testbed, asked.verb)()
    print(f"{asked.verb}: done in {time.monotonic() - begin:.1f} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
