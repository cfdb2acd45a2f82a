"""Where the file of an entrypoint is looked for in a source.

Belongs here: the rule, for those who push a source and for the pods that fetch it. Not here:
importing the file (`immutant.serve.loading`), and what is said when there is none.
"""

import posixpath

__all__ = ["candidates"]


def candidates(entrypoint: str) -> list[str]:
    """The files that an entrypoint may mean, relative to the source's root; the first is told.

    Args:
        entrypoint: `spec.entrypoint`: a module (`shop.web:app`), or a file (`web/main.py:app`).
    """
    target = entrypoint.partition(":")[0]
    if target.endswith(".py") or "/" in target:
        return [posixpath.normpath(target)]
    path = target.replace(".", "/")
    return [f"{root}{path}{end}" for root in ("", "src/") for end in (".py", "/__init__.py")]
