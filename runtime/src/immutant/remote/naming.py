"""Which names an app may have.

Belongs here: refusing a name in a sentence, before the cluster does it in a pattern. Not here: the
rules themselves; they are the definition's (`immutant_operator.spec.app`), and the two agree.
"""

import re
from typing import Final

from immutant.contract import names
from immutant.errors import ConfigurationError

__all__ = ["check_name"]

_FORM: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_TAKEN: Final = ("-members", "-web", "-ready", "-router")


def check_name(name: str) -> None:
    """Refuse what cannot be the name of an app.

    Raises:
        ConfigurationError: It cannot; the text says why.
    """
    if not _FORM.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} cannot be an app's name: it must begin with a letter and consist of a-z, "
            "0-9 and '-', without dots, because Services are named by it; write it as in my-app"
        )
    if len(name) > names.LONGEST_APP_NAME:
        raise ConfigurationError(
            f"{name!r} cannot be an app's name: it must have at most {names.LONGEST_APP_NAME} "
            "characters, because the names of pods, Services and Leases begin with it; choose a "
            "shorter one"
        )
    if name.endswith(_TAKEN):
        raise ConfigurationError(
            f"{name!r} cannot be an app's name: Services of the app with the shorter name end in "
            f"{', '.join(_TAKEN)}; choose another ending"
        )
