"""Write examples/cluster-demo/demo.yaml: the article's app for a cluster, with the text of app.py.

`--check` writes nothing and tells whether it is current.
"""

import sys
import textwrap
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "examples" / "cluster-demo"

TEMPLATE = """\
# The article's application on a cluster: kubectl apply -f examples/cluster-demo/demo.yaml
# Made from app.py by tools/cluster_demo.py; change app.py and run: make crd
apiVersion: v1
kind: ConfigMap
metadata:
  name: demo-source
data:
  app.py: |
{source}---
apiVersion: immutant.org/v1alpha1
kind: ImmutantApp
metadata:
  name: demo
spec:
  replicas: 1
  source:
    configMap:
      name: demo-source
  web:
    host: demo.example.org
"""


def manifest() -> str:
    """The text of demo.yaml."""
    source = textwrap.indent((EXAMPLE / "app.py").read_text(), "    ")
    return TEMPLATE.format(source=source)


def main(arguments: list[str]) -> int:
    """Write or compare; the exit status."""
    path = EXAMPLE / "demo.yaml"
    if arguments == ["--check"]:
        current = path.exists() and path.read_text() == manifest()
        if not current:
            print(f"{path} is not made from this app.py; run: make crd", file=sys.stderr)
        return 0 if current else 1
    path.write_text(manifest())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
