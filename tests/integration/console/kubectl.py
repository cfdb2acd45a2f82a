"""A stand-in for kubectl: what a cluster would tell comes from files, and a pod is a process here.

KUBECTL_WORLD is a folder: `pods.json` and `apps.json` are lists, `POD.sock` is that pod's console,
and each call is written down in `calls`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def main(arguments: list[str]) -> int:
    world = Path(os.environ["KUBECTL_WORLD"])
    with (world / "calls").open("a") as calls:
        calls.write(json.dumps(arguments) + "\n")
    plain = [one for one in arguments if not one.startswith("--namespace=")]
    if plain[0] == "scale":
        return 0
    if plain[0] == "get":
        kind = "pods" if plain[1].startswith("pod") else "apps"
        there = json.loads((world / f"{kind}.json").read_text())
        if plain[2].startswith("-"):
            print(json.dumps({"items": there}))
            return 0
        return tell(kind, plain[2], there)
    pod, command = plain[2], plain[plain.index("--") + 1 :]
    console = world / f"{pod}.sock"
    if not console.exists():
        return tell("pods", pod, [])
    if pod.startswith("old"):
        print("/opt/python: No module named immutant.console", file=sys.stderr)
        print("command terminated with exit code 1", file=sys.stderr)
        return 1
    environ = os.environ | {"IMMUTANT_CONSOLE": str(console)}
    return subprocess.run([sys.executable, *command[1:]], env=environ, check=False).returncode


def tell(kind: str, name: str, there: list[Any]) -> int:
    """Print the one of that name, or that there is none."""
    for one in there:
        if one["metadata"]["name"] == name:
            print(json.dumps(one))
            return 0
    print(f'Error from server (NotFound): {kind} "{name}" not found', file=sys.stderr)
    return 1


sys.exit(main(sys.argv[1:]))
