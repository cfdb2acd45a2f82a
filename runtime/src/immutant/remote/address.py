"""The URL of an app for git: `immutant://APP`, `immutant://NAMESPACE/APP`, `CONTEXT@` before them.

Belongs here: parsing and writing it. The context comes first and ends at the last `@`, because
names of contexts may hold anything, `@`, `:` and `/` too, and those of namespaces and apps cannot;
and because a `?` would have to be quoted in a shell.
"""

from dataclasses import dataclass
from typing import Final

from immutant.errors import ConfigurationError
from immutant.remote.kubectl import Kubectl
from immutant.remote.naming import check_name

__all__ = ["Address"]

_SCHEME: Final = "immutant://"


@dataclass(frozen=True, slots=True)
class Address:
    """Where an app is.

    Attributes:
        app: Its name.
        namespace: Its namespace; "": that of the kubeconfig's context.
        context: The kubeconfig's context; "": the current one.
    """

    app: str
    namespace: str = ""
    context: str = ""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Parse a URL, with or without `immutant://`.

        Raises:
            ConfigurationError: It names no app.
        """
        context, _, rest = text.removeprefix(_SCHEME).rpartition("@")
        *folders, app = rest.rstrip("/").split("/")
        if not app or len(folders) > 1:
            raise ConfigurationError(
                f"{text!r} names no app; write immutant://APP, immutant://NAMESPACE/APP or "
                "immutant://CONTEXT@NAMESPACE/APP"
            )
        check_name(app)
        return cls(app, folders[0] if folders else "", context)

    def __str__(self) -> str:
        """The URL."""
        at = f"{self.context}@" if self.context else ""
        within = f"{self.namespace}/" if self.namespace else ""
        return f"{_SCHEME}{at}{within}{self.app}"

    def kubectl(self) -> Kubectl:
        """The cluster and namespace."""
        return Kubectl(namespace=self.namespace, context=self.context)
