"""Where an app's source is: a ConfigMap with its files, an archive in parts, a git repository.

Belongs here: the fields under `spec.source`, and their rules. Not here: what is fetched by them
(`immutant.source`), what a source is fixed to (`immutant_operator.inputs`).
"""

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from immutant_operator.spec.base import Model, Name, Rule, Seconds, ruled

__all__ = ["ArchiveSource", "ConfigMapSource", "GitSource", "Source", "SourceKind"]

SourceKind = Literal["configMap", "archive", "git"]

_MOST_PARTS: Final = 16
"""ConfigMaps of one archive: with 900 KiB each some 14 MiB, which the kubelet keeps in memory."""

_URL: Final = r"^((https?|ssh)://[^\s/]+/\S+|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^\s/]\S*)$"
_REVISION: Final = r"^[^\s~^:?*\[\\-][^\s~^:?*\[\\]*$"


class ConfigMapSource(Model):
    """A ConfigMap whose keys are the files of the source."""

    name: Name
    """The ConfigMap's name, in the app's namespace."""


class ArchiveSource(Model):
    """A tar compressed by xz, in parts, as `git push` to an app makes it."""

    config_maps: Annotated[tuple[Name, ...], Field(min_length=1, max_length=_MOST_PARTS)]
    """The ConfigMaps with the parts, in order; each has its part under the key `part` in
    binaryData, and the label immutant.org/source with the first ten digits of sha256."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", max_length=64)]
    """The digest of the joined parts, in hexadecimal digits."""
    revision: Annotated[str, Field(max_length=64)] = ""
    """What this source is called, such as its commit; the status shows it."""


class GitSecret(Model):
    """The Secret with which a repository is reached."""

    name: Name
    """Its name; it has token or password, and username, for https; ssh-privatekey and known_hosts
    for ssh."""


class GitSource(Model):
    """A git repository."""

    model_config = ruled(
        Rule(
            "!self.url.matches('^https?://[^/]*@')",
            "url must not have a user or a token in it, which all could read; put it into a Secret "
            "(username, token) and name that in secret.name",
        ),
        Rule(
            "!has(self.secret) || !self.url.startsWith('http://')",
            "over http:// whoever is on the way reads the Secret; write https:// or ssh://",
        ),
        Rule(
            "has(self.secret) || self.url.startsWith('http')",
            "over ssh a key is needed: name a Secret with ssh-privatekey and known_hosts in "
            "secret.name",
        ),
        Rule(
            "!self.path.split('/').exists(one, one == '..' || one == '.')",
            "path is a folder below the repository's root; write it without . and ..",
        ),
        Rule(
            "duration(self.period).getMilliseconds() >= 10000",
            "period must be at least 10s; 60s is usual",
        ),
    )

    url: Annotated[str, Field(pattern=_URL, max_length=1024)]
    """Where it is: https://…, ssh://… or user@host:path."""
    revision: Annotated[str, Field(pattern=_REVISION, min_length=1, max_length=255)] = "HEAD"
    """A branch, a tag or a commit."""
    path: Annotated[str, Field(pattern=r"^([^/\\]+(/[^/\\]+)*)?$", max_length=255)] = ""
    """The folder in it that is the source; by default all of it."""
    secret: GitSecret | None = None
    """The Secret with which it is reached, if it takes one."""
    period: Seconds = 60.0
    """How often to ask whether the branch or tag has moved."""


class Source(Model):
    """Where the app's source is."""

    model_config = ruled(
        Rule(
            "[has(self.configMap), has(self.archive), has(self.git)].filter(one, one).size() == 1",
            "source is one of configMap, archive and git; write exactly one of them",
        )
    )

    config_map: ConfigMapSource | None = None
    """A ConfigMap whose keys are the files, such as app.py."""
    archive: ArchiveSource | None = None
    """An archive in parts, which `git push` to an app makes."""
    git: GitSource | None = None
    """A git repository."""

    @model_validator(mode="after")
    def _is_one(self) -> "Source":
        if sum(one is not None for one in (self.config_map, self.archive, self.git)) != 1:
            raise ValueError("write exactly one of configMap, archive and git")
        return self

    @property
    def kind(self) -> SourceKind:
        """Which of them it is."""
        if self.config_map is not None:
            return "configMap"
        return "archive" if self.archive is not None else "git"

    @property
    def is_fetched(self) -> bool:
        """Whether pods fetch it themselves, before the app starts."""
        return self.config_map is None
