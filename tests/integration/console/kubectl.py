"""A stand-in for kubectl: what a cluster would tell comes from files, and a pod is a process here.

KUBECTL_WORLD is a folder: `pods.json` and `apps.json` are lists, `POD.sock` is that pod's console,
and each call is written down in `calls`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    world = Path(os.environ["KUBECTL_WORLD"])
    with (world / "calls").open("a") as calls:
        calls.write(json.dumps(arguments) + "\n")
    plain = [one for one in arguments if not one.startswith("--namespace=")]
    if plain[:2] == ["get", "pod"]:
        there = {
            one["metadata"]["name"]: one for one in json.loads((world / "pods.json").read_text())
        }
        if found := there.get(plain[2]):
            print(json.dumps(found))
            return 0
        print(f'Error from server (NotFound): pods "{plain[2]}" not found', file=sys.stderr)
        return 1
    if plain[0] == "get" and plain[2] != "-o" and not plain[2].startswith("-"):
        apps = json.loads((world / "apps.json").read_text())
        found = [one for one in apps if one["metadata"]["name"] == plain[2]]
        said = "Error from server (NotFound): there is none"
        print(json.dumps(found[0]) if found else said, file=None if found else sys.stderr)
        return 0 if found else 1
    if plain[0] == "scale":
        return 0
    if plain[0] == "get":
        kind = "pods" if plain[1] == "pods" else "apps"
        print(json.dumps({"items": json.loads((world / f"{kind}.json").read_text())}))
        return 0
    pod, command = plain[2], plain[plain.index("--") + 1 :]
    console = world / f"{pod}.sock"
    if not console.exists():
        there = {
            one["metadata"]["name"]: one for one in json.loads((world / "pods.json").read_text())
        }
        if found := there.get(plain[2]):
            print(json.dumps(found))
            return 0
        print(f'Error from server (NotFound): pods "{pod}" not found', file=sys.stderr)
        return 1
    if pod.startswith("old"):
        print("/opt/python: No module named immutant.console", file=sys.stderr)
        print("command terminated with exit code 1", file=sys.stderr)
        return 1
    environ = os.environ | {"IMMUTANT_CONSOLE": str(console)}
    return subprocess.run([sys.executable, *command[1:]], env=environ, check=False).returncode


sys.exit(main(sys.argv[1:]))
