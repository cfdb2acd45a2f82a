"""The containers that fetch a source before all others, and what they hand on to the app.

`source` fetches and alone has the repository's Secret; `packages` installs what the source
requires, and runs code of strangers. They come before the member, so that a version that cannot be
fetched never joins the grid. Both end, and the kubelet runs them once for a pod. Belongs here:
these containers and their volumes. Not here: what they do (`immutant.source`).
"""

from typing import Final

from immutant.contract import names
from immutant.contract.sourcing import Archive, GitCommit, Order
from immutant_operator.builders import security
from immutant_operator.builders.metadata import Manifest
from immutant_operator.images import Images
from immutant_operator.spec import App

__all__ = ["SOURCE", "app_mounts", "app_path", "steps", "volumes"]

SOURCE: Final = "source"
"""The volume with the source."""

_PARTS: Final = "parts"
_SECRET: Final = "source-secret"  # noqa: S105 - a volume's name

_PATH: Final = "PYTHONPATH"
_USERS_PATH: Final = "IMMUTANT_USERS_PYTHONPATH"
_FOLDERS: Final = f"{names.PACKAGES_FOLDER}/site:{names.SOURCE_FOLDER}/src"
"""Where the app's Python looks besides; `src` is where many projects have their modules."""

_PASSED: Final = {
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
}
"""Of the app's variables, beside pip's own, those that say how an index or a server is reached."""


def steps(app: App, images: Images, pin: str) -> list[Manifest]:
    """The two containers.

    Args:
        app: Whose; its source is one that is fetched.
        images: The project's images.
        pin: What the source is fixed to: of a git repository the commit.
    """
    return [_source(app, images, pin), _packages(app, images)]


def _source(app: App, images: Images, pin: str) -> Manifest:
    step = _step("source", "fetch", images)
    order = Order(_origin(app, pin), app.spec.entrypoint)
    told = [{"name": name, "value": value} for name, value in order.variables().items() if value]
    step["env"] = [*told, *_passed(app)]
    git = app.spec.source.git if app.spec.source else None
    if git is None:
        mount = {"name": _PARTS, "mountPath": names.PARTS_FOLDER, "readOnly": True}
        step["volumeMounts"].append(mount)
    elif git.secret is not None:
        mount = {"name": _SECRET, "mountPath": names.SECRET_FOLDER, "readOnly": True}
        step["volumeMounts"].append(mount)
    return step


def _origin(app: App, pin: str) -> Archive | GitCommit:
    source = app.spec.source
    if source is not None and source.archive is not None:
        return Archive(source.archive.config_maps, source.archive.sha256)
    if source is not None and source.git is not None:
        return GitCommit(source.git.url, pin, source.git.revision, source.git.path)
    raise ValueError(f"the source of {app.name} is none that pods fetch")


def _packages(app: App, images: Images) -> Manifest:
    return {**_step("packages", "install", images), "env": _passed(app)}


def _step(name: str, command: str, images: Images) -> Manifest:
    return {
        "name": name,
        "image": images.runtime,
        "imagePullPolicy": images.pull_policy,
        "command": ["python", "-m", "immutant.source", command],
        "securityContext": security.CONTAINER,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "resources": {
            "requests": {"cpu": "50m", "memory": "128Mi"},
            "limits": {"memory": "1Gi"},
        },
        "volumeMounts": [
            {"name": SOURCE, "mountPath": names.WORKSHOP_FOLDER},
            security.scratch(name)[1],
        ],
    }


def _passed(app: App) -> list[Manifest]:
    return [
        one.model_dump(by_alias=True, exclude_none=True)
        for one in app.spec.env
        if one.name.startswith("PIP_") or one.name.upper() in _PASSED
    ]


def volumes(app: App) -> list[Manifest]:
    """The volume with the source, and what the two containers need."""
    source = app.spec.source
    built: list[Manifest] = [
        {"name": SOURCE, "emptyDir": {}},
        *(security.scratch(name)[0] for name in names.SOURCE_STEPS),
    ]
    if source is not None and source.archive is not None:
        parts = [_part(*one) for one in enumerate(source.archive.config_maps)]
        built.append({"name": _PARTS, "projected": {"sources": parts}})
    elif source is not None and source.git is not None and source.git.secret is not None:
        # Readable for the pod's group alone, which fsGroup sees to.
        secret = {"secretName": source.git.secret.name, "defaultMode": 0o440}
        built.append({"name": _SECRET, "secret": secret})
    return built


def _part(number: int, config_map: str) -> Manifest:
    """Optional, so that the container starts and says what is missing."""
    items = [{"key": names.PART_KEY, "path": f"{number:02}"}]
    return {"configMap": {"name": config_map, "items": items, "optional": True}}


def app_mounts() -> list[Manifest]:
    """What the app's container sees of it."""
    folders = (("app", names.SOURCE_FOLDER), ("packages", names.PACKAGES_FOLDER))
    return [
        {"name": SOURCE, "mountPath": place, "subPath": folder, "readOnly": True}
        for folder, place in folders
    ]


def app_path(variables: list[Manifest]) -> list[Manifest]:
    """The app's environment, with the folders of source and packages on Python's path.

    What the user has on it comes first, by another name: a name may be there only once.
    """
    own = [{**one, "name": _USERS_PATH} for one in variables if one["name"] == _PATH]
    others = [one for one in variables if one["name"] != _PATH]
    value = f"$({_USERS_PATH}):{_FOLDERS}" if own else _FOLDERS
    return [*others, *own, {"name": _PATH, "value": value}]
